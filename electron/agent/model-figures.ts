import { availableParallelism, freemem, totalmem } from 'node:os';
import type * as z from 'zod';
import type { QueryAnswer, querySchemas } from '../contract/control.ts';
import type { EngineKind, EngineSnapshot, MeasuredSpeed, ModelFit, ModelSnapshot } from '../contract/snapshot.ts';
import type { EngineSettings, FitSubject } from './engines/engine-factory.ts';
import type { NodeModel } from './engines/placement/node-models.ts';
import type { AnswerMeasurement } from './inference/measurement.ts';
import { computeOpsFrom, estimateFit, type FitMachine, type FitOptions, type LoadedModel } from './models/fit.ts';
import { fitAnswer } from './models/fit-table.ts';
import type { Measurements, ModelKey } from './models/measurements.ts';
import type { MemoryBandwidth } from './models/memory-bandwidth.ts';
import { untoldShape, type ModelShape } from './models/model-shape.ts';
import type { VariantToFit } from './models/variants/variant-list.ts';

type Choice = number | 'auto';

/** How an engine loads a model that has no options of its own. */
interface LoadDefaults {
  readonly contextLength: Choice;
  readonly parallel: Choice;
  readonly kvType: FitOptions['kvType'];
}

export interface ModelFiguresOptions {
  /** Memory that models leave free. */
  readonly headroomBytes: number;
  readonly defaults: Readonly<Record<EngineKind, LoadDefaults>>;
}

export interface ModelFiguresDeps {
  readonly measurements: Measurements;
  readonly bandwidth: MemoryBandwidth;
  readonly models: () => readonly NodeModel[];
  readonly rows: () => readonly ModelSnapshot[];
  readonly engines: () => readonly EngineSnapshot[];
}

/** How each kind of engine loads a model by its settings. */
export function loadDefaults(engines: EngineSettings): ModelFiguresOptions['defaults'] {
  const { embedded, ollama, llamaServer, bitnet } = engines;
  return {
    embedded: { contextLength: embedded.contextLength, parallel: embedded.parallel, kvType: 'f16' },
    ollama: { contextLength: ollama.contextLength, parallel: ollama.parallel, kvType: ollama.kvType },
    'llama-server': {
      contextLength: llamaServer.contextLength,
      parallel: llamaServer.parallel,
      kvType: llamaServer.kvType,
    },
    bitnet: { contextLength: bitnet.contextLength, parallel: 1, kvType: 'f16' },
  };
}

/** Free memory is shown in such steps: it changes with every breath, and what is shown with it need not. */
const stepBytes = 256 * 2 ** 20;

/** Joins what is measured of models with what is reckoned, for the switcher and for every surface. */
export class ModelFigures {
  readonly #options: ModelFiguresOptions;
  readonly #deps: ModelFiguresDeps;
  /** Fits of the last picture, which hold as long as what they are reckoned from. */
  #shown: { readonly basis: string; readonly fits: Map<string, ModelFit | null> } = { basis: '', fits: new Map() };

  constructor(options: ModelFiguresOptions, deps: ModelFiguresDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Keeps the speeds of a good answer. */
  measured(answer: AnswerMeasurement): void {
    const { upstreamId: engineId, tokensPerSecond, prefillTokensPerSecond } = answer;
    const model = this.modelAt(engineId, answer.model);
    if (!model) return;
    const contextLength = model.offers.find((offer) => offer.engineId === engineId)?.held?.contextLength ?? null;
    const { quantization } = model;
    const speeds = { tokensPerSecond, prefillTokensPerSecond };
    this.#deps.measurements.record({ model: keyOf(model), quantization, engineId, contextLength, ...speeds });
  }

  speedOf(model: NodeModel, engineId: string): MeasuredSpeed | null {
    return this.#deps.measurements.speedOf(keyOf(model), { engineId });
  }

  /** The model that an engine knows by that name. */
  modelAt(engineId: string, engineModelId: string): NodeModel | undefined {
    return this.#deps
      .models()
      .find(({ offers }) => offers.some((offer) => offer.engineId === engineId && offer.modelId === engineModelId));
  }

  /** What loading a model there would take, against the memory that is free this moment. */
  fit(subject: FitSubject): ModelFit {
    const { modelId, engineId, engineKind, sizeBytes, shape } = subject;
    const model = this.#deps.models().find(({ id }) => id === modelId);
    const { contextLength, parallel, kvType } = subject.options;
    const defaults = this.#options.defaults[engineKind];
    return estimateFit(
      { shape: shape ?? untoldShape({ sizeBytes }), measured: model ? this.speedOf(model, engineId) : null },
      this.#machine(freemem(), modelId),
      {
        engineKind,
        contextLength: contextLength === 'auto' ? defaults.contextLength : contextLength,
        parallel: parallel === 'auto' ? defaults.parallel : parallel,
        kvType: kvType ?? defaults.kvType,
      },
    );
  }

  /** The rows with what was measured of each, and whether it fits. */
  decorated(): ModelSnapshot[] {
    const freeBytes = Math.floor(freemem() / stepBytes) * stepBytes;
    const rows = this.#deps.rows();
    const { bytesPerS } = this.#deps.bandwidth.current();
    const loaded = rows.filter((row) => row.state !== 'idle').map(({ id, state }) => `${id} ${state}`);
    const basis = JSON.stringify([freeBytes, bytesPerS, loaded]);
    if (basis !== this.#shown.basis) this.#shown = { basis, fits: new Map() };
    const byId = new Map(this.#deps.models().map((model) => [model.id, model]));
    return rows.map((row) => {
      const model = byId.get(row.id);
      if (!model) return row;
      const measured = this.#deps.measurements.speedOf(
        keyOf(model),
        row.engineId === null ? {} : { engineId: row.engineId },
      );
      const usedMs = this.#deps.measurements.lastUsed(keyOf(model));
      return {
        ...row,
        measured,
        tokensPerSecond: row.tokensPerSecond ?? measured?.tokensPerSecond ?? null,
        lastUsedAt: row.lastUsedAt ?? (usedMs === null ? null : new Date(usedMs).toISOString()),
        fit: this.#fitShown(model, row, measured, freeBytes),
      };
    });
  }

  /** The answer of the query `fit`. */
  table(query: z.infer<typeof querySchemas.fit>): QueryAnswer<'fit'> {
    const installed = this.#deps.models().flatMap((model) => {
      const kind = this.#kindFor(model);
      if (kind === null || model.selfTest) return [];
      const { id, group, quantization, sizeBytes, shape } = model;
      const name = model.file?.name ?? model.library?.name ?? id;
      const measured = this.#deps.measurements.speedOf(keyOf(model));
      return [
        {
          id,
          name,
          group,
          quantization,
          sizeBytes,
          shape,
          measured,
          loadedBytes: this.#loadedBytes(id),
          engineKind: kind,
        },
      ];
    });
    const { origin } = this.#deps.bandwidth.current();
    return fitAnswer(query, { installed, machine: this.#machine(freemem(), null), bandwidthOrigin: origin });
  }

  /** The fit of a quantization that is not here, by a model of the same shape that is. */
  variantFit({ sizeBytes, like, parameters }: VariantToFit): ModelFit | null {
    const model = this.#deps.models().find(({ id }) => id === like);
    const engineKind = (model && this.#kindFor(model)) ?? 'embedded';
    const shape: ModelShape = model?.shape ? { ...model.shape, sizeBytes } : untoldShape({ sizeBytes, parameters });
    const options = { engineKind, ...this.#options.defaults[engineKind] };
    return estimateFit({ shape, measured: null }, this.#machine(freemem(), like), options);
  }

  #fitShown(model: NodeModel, row: ModelSnapshot, measured: MeasuredSpeed | null, freeBytes: number): ModelFit | null {
    const key = `${row.id} ${measured?.count ?? 0}`;
    const known = this.#shown.fits.get(key);
    if (known !== undefined) return known;
    const engineKind = this.#kindFor(model);
    const loadedBytes = this.#loadedBytes(row.id);
    const fit =
      engineKind === null
        ? null
        : estimateFit(
            {
              shape: model.shape ?? untoldShape({ sizeBytes: model.sizeBytes, parameters: row.parameters }),
              measured,
              ...(loadedBytes === null ? {} : { loadedBytes }),
            },
            this.#machine(freeBytes, row.id),
            {
              engineKind,
              ...this.#options.defaults[engineKind],
              ...(row.loaded && row.contextLength !== null ? { contextLength: row.contextLength } : {}),
            },
          );
    this.#shown.fits.set(key, fit);
    return fit;
  }

  #machine(availableBytes: number, without: string | null): FitMachine {
    const { bytesPerS } = this.#deps.bandwidth.current();
    return {
      totalBytes: totalmem(),
      availableBytes,
      bandwidthBytesPerS: bytesPerS,
      computeOpsPerS: computeOpsFrom(bytesPerS, availableParallelism()),
      headroomBytes: this.#options.headroomBytes,
      loaded: this.#loaded().filter(({ id }) => id !== without),
    };
  }

  /** Loaded models, the least recently used first. */
  #loaded(): LoadedModel[] {
    return this.#deps
      .rows()
      .filter((row) => row.loaded)
      .sort((a, b) => (a.lastUsedAt ?? '').localeCompare(b.lastUsedAt ?? ''))
      .map(({ id, sizeBytes, pinned, path }) => ({
        id,
        memoryBytes: this.#loadedBytes(id) ?? sizeBytes,
        // What a file lends to a process the system counts as available; Ollama copies its weights.
        mappedBytes: path === null || process.platform !== 'linux' ? 0 : sizeBytes,
        pinned,
      }));
  }

  #loadedBytes(id: string): number | null {
    const model = this.#deps.models().find((each) => each.id === id);
    const [held] = model?.offers.flatMap((offer) => (offer.held?.state === 'loaded' ? [offer.held] : [])) ?? [];
    if (!model || !held) return null;
    const told = this.#deps
      .engines()
      .flatMap(({ processes }) => processes)
      .find((process) => process.model === held.id)?.memoryBytes;
    return told ?? held.memoryBytes ?? model.sizeBytes;
  }

  #kindFor(model: NodeModel): EngineKind | null {
    const [offer] = model.offers;
    return this.#deps.engines().find(({ id }) => id === offer?.engineId)?.kind ?? null;
  }
}

function keyOf({ id, sizeBytes, file, offers }: NodeModel): ModelKey {
  const [told = null] = offers.flatMap(({ held }) => held?.digest ?? []);
  return { digest: file?.digest ?? told, id, sizeBytes };
}
