import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CommandAnswer } from '../contract/control.ts';
import type { Clock } from './base/clock.ts';
import { AppError } from './base/errors.ts';
import type { Logger } from './base/logger.ts';
import type { Engine } from './engines/engine.ts';
import type { Engines } from './engines/engines.ts';
import type { ModelFigures } from './model-figures.ts';
import type { ModelCatalog } from './models/catalog.ts';
import { freeDiskBytes } from './models/pull/free-disk.ts';
import type { LibraryPuller } from './models/pull/library.ts';
import { LlamaQuantize } from './models/pull/llama-quantize.ts';
import type { Arrival } from './models/pull/pull-work.ts';
import { Pulls, type MakeOrder } from './models/pull/pulls.ts';
import type { ModelRecords } from './models/records.ts';
import { variantFor } from './models/variants/variant-list.ts';
import { Variants } from './models/variants/variants.ts';

export interface PullServicesOptions {
  readonly dataDir: string;
  readonly modelsDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** What pulls leave free on the disk. */
  readonly diskReserveBytes: number;
}

export interface PullServicesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly catalog: ModelCatalog;
  readonly records: ModelRecords;
  readonly engines: Engines;
  readonly figures: ModelFigures;
}

/** Where models come from; HF_ENDPOINT names a mirror of the hub, as its own programs have it. */
const usualHub = 'https://huggingface.co';
const usualRegistry = 'https://registry.ollama.ai';

/** Pulls, and the list of what could be pulled or made. */
export function openPulls(options: PullServicesOptions, deps: PullServicesDeps) {
  const { dataDir, modelsDir, env, diskReserveBytes } = options;
  const { clock, logger, records, engines, figures, catalog } = deps;
  const quantizer = new LlamaQuantize({ program: () => quantizeProgram(engines), clock, logger });
  const hubUrl = env['HF_ENDPOINT'] ?? usualHub;
  const library = libraryOf(engines);
  const pulls = new Pulls(
    {
      modelsDir,
      stagingDir: join(modelsDir, '.pulls'),
      stateFile: join(dataDir, 'pulls.json'),
      hubUrl,
      env,
      diskReserveBytes,
    },
    {
      clock,
      logger,
      records,
      library,
      quantizer,
      freeDiskBytes,
      onArrived: (arrival) => arrived(arrival, catalog, engines),
    },
  );
  const variants = new Variants(
    { hubUrl, registryUrl: env['RANCH_HAND_OLLAMA_REGISTRY'] ?? usualRegistry, env },
    {
      clock,
      logger,
      models: () => figures.decorated(),
      fitOf: (variant) => figures.variantFit(variant),
      quantizer,
      hasLibrary: () => ollamaOf(engines) !== null,
    },
  );
  return { pulls, variants };
}

/** The id under which callers know what has just come. */
async function arrived(arrival: Arrival, catalog: ModelCatalog, engines: Engines): Promise<string | null> {
  if (arrival.kind === 'file') {
    await catalog.rescan();
    return catalog.list().find(({ path }) => path === arrival.path)?.id ?? null;
  }
  const names = [arrival.name, `${arrival.name}:latest`, arrival.name.replace(/:latest$/, '')];
  return engines.nodeModels().find(({ offers }) => offers.some(({ modelId }) => names.includes(modelId)))?.id ?? null;
}

/** Switches to a model; a quantization that is not here is fetched or made first. */
export async function use(
  { model, quantization }: { readonly model: string; readonly quantization: string | undefined },
  { engines, pulls, variants }: { engines: Engines; pulls: Pulls; variants: Variants },
): Promise<Omit<CommandAnswer, 'ok'>> {
  if (quantization === undefined || engines.has(model, quantization)) return engines.use(model, quantization);
  const found = await variants.of(model);
  const variant = variantFor(model, found.variants, quantization);
  if (variant.model !== null) return engines.use(variant.model);
  const { get } = variant;
  if (get === null) throw new AppError('model_not_found', `There is no way to have ${quantization} of ${found.group}.`);
  if (get.kind === 'pull') return { pullId: pulls.start({ reference: get.reference, use: true }) };
  return { pullId: pulls.quantize(makeOrder(engines, { model: get.from, quantization, use: true })) };
}

/** What to make a quantization from. @throws AppError `model_not_found` */
export function makeOrder(
  engines: Pick<Engines, 'nodeModels'>,
  order: { readonly model: string; readonly quantization: string; readonly use: boolean },
): MakeOrder {
  const source = engines.nodeModels().find(({ id }) => id === order.model);
  if (!source) throw new AppError('model_not_found', `There is no model ${order.model} on this node.`);
  // A library's engine knows its model by its own name, which differs where a file of the same name is here too.
  const from = source.file ? source.id : (source.offers[0]?.modelId ?? source.id);
  return { from, path: source.file?.path ?? null, quantization: order.quantization, use: order.use };
}

/** The Ollama that answers, if one does. */
function ollamaOf(engines: Engines): Engine | null {
  const answers = engines
    .list()
    .some(({ kind, url, state }) => kind === 'ollama' && url !== null && state !== 'absent');
  return answers ? engines.byId('ollama') : null;
}

function libraryOf(engines: Engines): LibraryPuller {
  return {
    pullModel: async (...order) => {
      const ollama = ollamaOf(engines);
      if (!ollama?.pullModel) throw noOllama();
      await ollama.pullModel(...order);
    },
    createQuantized: async (...order) => {
      const ollama = ollamaOf(engines);
      if (!ollama?.createQuantized) throw noOllama();
      await ollama.createQuantized(...order);
    },
  };
}

function noOllama(): AppError {
  return new AppError(
    'engine_not_ready',
    'Models of the Ollama library come through Ollama, and none runs here. Start it, or get it with: ranch-hand engines install ollama',
  );
}

/** llama-quantize comes beside llama-server, mostly. */
function quantizeProgram(engines: Engines): string | null {
  const server = engines
    .list()
    .find(({ kind, ownership }) => kind === 'llama-server' && ownership === 'owned')?.foundAt;
  if (server == null) return null;
  const program = join(dirname(server), basename(server).replace('llama-server', 'llama-quantize'));
  return existsSync(program) ? program : null;
}
