import { availableParallelism, totalmem } from 'node:os';
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

/** What of an engine decides how its models are reckoned. */
type EngineFacts = Pick<EngineSnapshot, 'id' | 'kind' | 'ownership' | 'processes'>;

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
  readonly bandwidth: Pick<MemoryBandwidth, 'current'>;
  readonly models: () => readonly NodeModel[];
  readonly rows: () => readonly ModelSnapshot[];
  readonly engines: () => readonly EngineFacts[];
  /** Memory that is free, as the system tells it. */
  readonly freeBytes: () => number;
}

/** What all fits of one picture are reckoned from. */
interface Scene {
  readonly machine: FitMachine;
  readonly engines: readonly EngineFacts[];
}

/** This very moment. */
interface Present {
  readonly machine: FitMachine;
  readonly byId: ReadonlyMap<string, NodeModel>;
}

/** A fit, and how many measurements of the model it has taken in. */
interface ShownFit {
  readonly count: number;
  readonly fit: ModelFit | null;
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

/**
 * Free memory changes with every breath, and what is shown with it need not: it is shown in steps, and another one only
 * once it is a whole step away, so that a value between two steps does not change every row of the list each second.
 */
const stepBytes = 256 * 2 ** 20;

/** Joins what is measured of models with what is reckoned, for the switcher and for every surface. */
export class ModelFigures {
  readonly #options: ModelFiguresOptions;
  readonly #deps: ModelFiguresDeps;
  #freeBytesShown: number | null = null;
  #asked: Present | null = null;
  /** Fits of the last picture, which hold as long as what they are reckoned from. */
  #shown: { readonly basis: string; readonly fits: Map<string, ShownFit> } = { basis: '', fits: new Map() };

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

  /** What was measured of a model, by the name that callers use, on an engine; null before the first measurement. */
  knownSpeeds(
    engineId: string,
    modelId: string,
  ): Pick<MeasuredSpeed, 'tokensPerSecond' | 'prefillTokensPerSecond'> | null {
    const model = this.#deps.models().find(({ id }) => id === modelId);
    return model ? this.speedOf(model, engineId) : null;
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
    const { machine, byId } = this.#present();
    const model = byId.get(modelId);
    const { contextLength, parallel, kvType } = subject.options;
    const defaults = this.#options.defaults[engineKind];
    return estimateFit(
      { shape: shape ?? untoldShape({ sizeBytes }), measured: model ? this.speedOf(model, engineId) : null },
      without(machine, modelId),
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
    const rows = this.#deps.rows();
    const freeBytes = this.#calmFreeBytes();
    const { bytesPerS } = this.#deps.bandwidth.current();
    const inUse = rows
      .filter((row) => row.state !== 'idle')
      .map(({ id, state, contextLength, pinned }) => [id, state, contextLength, pinned]);
    const basis = JSON.stringify([freeBytes, bytesPerS, inUse]);
    if (basis !== this.#shown.basis) this.#shown = { basis, fits: new Map() };
    const byId = new Map(this.#deps.models().map((model) => [model.id, model]));
    let known: Scene | null = null;
    const scene = (): Scene => (known ??= { machine: this.#machine(freeBytes, rows), engines: this.#deps.engines() });
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
        fit: this.#fitShown(model, row, measured, scene),
      };
    });
  }

  /** The answer of the query `fit`. */
  table(query: z.infer<typeof querySchemas.fit>): QueryAnswer<'fit'> {
    const engines = this.#deps.engines();
    const installed = this.#deps.models().flatMap((model) => {
      const kind = kindFor(model, engines);
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
          loadedBytes: ownBytesOf(model, engines),
          engineKind: kind,
        },
      ];
    });
    const { origin } = this.#deps.bandwidth.current();
    return fitAnswer(query, { installed, machine: this.#machine(this.#deps.freeBytes()), bandwidthOrigin: origin });
  }

  /** The fit of a quantization that is not here, by a model of the same shape that is. */
  variantFit({ sizeBytes, like, parameters }: VariantToFit): ModelFit | null {
    const model = this.#deps.models().find(({ id }) => id === like);
    const engineKind = (model && kindFor(model, this.#deps.engines())) ?? 'embedded';
    const shape: ModelShape = model?.shape ? { ...model.shape, sizeBytes } : untoldShape({ sizeBytes, parameters });
    const options = { engineKind, ...this.#options.defaults[engineKind] };
    return estimateFit({ shape, measured: null }, without(this.#machine(this.#deps.freeBytes()), like), options);
  }

  #fitShown(model: NodeModel, row: ModelSnapshot, measured: MeasuredSpeed | null, scene: () => Scene): ModelFit | null {
    const count = measured?.count ?? 0;
    const known = this.#shown.fits.get(row.id);
    if (known?.count === count) return known.fit;
    const { machine, engines } = scene();
    const engineKind = kindFor(model, engines);
    const loadedBytes = ownBytesOf(model, engines);
    const fit =
      engineKind === null
        ? null
        : estimateFit(
            {
              shape: model.shape ?? untoldShape({ sizeBytes: model.sizeBytes, parameters: row.parameters }),
              measured,
              ...(loadedBytes === null ? {} : { loadedBytes }),
            },
            without(machine, row.id),
            {
              engineKind,
              ...this.#options.defaults[engineKind],
              ...(row.loaded && row.contextLength !== null ? { contextLength: row.contextLength } : {}),
            },
          );
    this.#shown.fits.set(row.id, { count, fit });
    return fit;
  }

  /** Looked at once for all that is asked in one go: a request may ask it of every model there is. */
  #present(): Present {
    if (this.#asked !== null) return this.#asked;
    queueMicrotask(() => (this.#asked = null));
    const byId = new Map(this.#deps.models().map((model) => [model.id, model]));
    return (this.#asked = { machine: this.#machine(this.#deps.freeBytes()), byId });
  }

  /** What is free, as it is shown. */
  #calmFreeBytes(): number {
    const freeBytes = this.#deps.freeBytes();
    const shown = this.#freeBytesShown;
    if (shown !== null && freeBytes > shown - stepBytes && freeBytes < shown + 2 * stepBytes) return shown;
    return (this.#freeBytesShown = Math.floor(freeBytes / stepBytes) * stepBytes);
  }

  #machine(availableBytes: number, rows = this.#deps.rows()): FitMachine {
    const { bytesPerS } = this.#deps.bandwidth.current();
    return {
      totalBytes: totalmem(),
      availableBytes,
      bandwidthBytesPerS: bytesPerS,
      computeOpsPerS: computeOpsFrom(bytesPerS, availableParallelism()),
      headroomBytes: this.#options.headroomBytes,
      loaded: this.#loaded(rows),
    };
  }

  /** Models in memory, the least recently used first. */
  #loaded(rows: readonly ModelSnapshot[]): LoadedModel[] {
    const loaded = rows.filter(({ state }) => takesMemory(state));
    if (loaded.length === 0) return [];
    const engines = this.#deps.engines();
    const byId = new Map(this.#deps.models().map((model) => [model.id, model]));
    return loaded
      .sort((a, b) => (a.lastUsedAt ?? '').localeCompare(b.lastUsedAt ?? ''))
      .map(({ id, sizeBytes, pinned, path, engineId }) => ({
        id,
        memoryBytes: loadedBytesOf(byId.get(id), engines) ?? sizeBytes,
        mappedBytes: mappedBytes(path, sizeBytes),
        // A server that somebody else runs keeps the model that it was given, so there is nothing to gain.
        pinned: pinned || engines.some((engine) => engine.id === engineId && keepsItsModel(engine)),
      }));
  }
}

/** One that only finishes its answers is in memory until it is gone. */
function takesMemory(state: ModelSnapshot['state']): boolean {
  return state === 'loaded' || state === 'unloading';
}

function keepsItsModel({ kind, ownership }: EngineFacts): boolean {
  return ownership === 'adopted' && kind !== 'ollama';
}

/** What a model takes now; null while it is not in memory. */
function loadedBytesOf(model: NodeModel | undefined, engines: readonly EngineFacts[]): number | null {
  const held = model?.offers.find(({ held }) => held !== null && takesMemory(held.state))?.held;
  if (!model || !held) return null;
  const told = engines.flatMap(({ processes }) => processes).find((process) => process.model === held.id)?.memoryBytes;
  return told ?? held.memoryBytes ?? model.sizeBytes;
}

/** Of what a loaded model takes, that which the system does not count as available all the same; null while not loaded. */
function ownBytesOf(model: NodeModel, engines: readonly EngineFacts[]): number | null {
  const bytes = loadedBytesOf(model, engines);
  return bytes === null ? null : Math.max(0, bytes - mappedBytes(model.file?.path ?? null, model.sizeBytes));
}

/** What a file lends to a process Linux counts as available; Ollama copies its weights. */
function mappedBytes(path: string | null, sizeBytes: number): number {
  return path === null || process.platform !== 'linux' ? 0 : sizeBytes;
}

/** The kind of the engine that has the model, or would load it. */
function kindFor({ offers: [offer] }: NodeModel, engines: readonly EngineFacts[]): EngineKind | null {
  return engines.find(({ id }) => id === offer?.engineId)?.kind ?? null;
}

function without(machine: FitMachine, modelId: string | null): FitMachine {
  const loaded = machine.loaded.filter(({ id }) => id !== modelId);
  return loaded.length === machine.loaded.length ? machine : { ...machine, loaded };
}

function keyOf({ id, sizeBytes, file, offers }: NodeModel): ModelKey {
  const [told = null] = offers.flatMap(({ held }) => held?.digest ?? []);
  return { digest: file?.digest ?? told, id, sizeBytes };
}
