import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import type { FitSubject, ModelsSettings } from '../../../../electron/agent/engines/engine-factory.ts';
import type { LibraryModel } from '../../../../electron/agent/engines/engine.ts';
import { Engines } from '../../../../electron/agent/engines/engines.ts';
import type { OptionsByName } from '../../../../electron/agent/engines/switching/model-options.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { WireResponse } from '../../../../electron/agent/inference/wire-response.ts';
import type { GgufHeader } from '../../../../electron/agent/models/gguf-reader.ts';
import type { CatalogModel } from '../../../../electron/agent/models/catalog-model.ts';
import type { ModelFit } from '../../../../electron/contract/snapshot.ts';
import { onlyEmbedded } from '../../../fixtures/engine-settings.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';
import { type FakeLocalEngine } from './fake-local-engine.ts';

/** A model file that exists in the test's mind only. */
export function modelFile(id: string, part: Partial<CatalogModel> = {}): CatalogModel {
  return {
    id,
    name: id,
    path: `/models/${id}.gguf`,
    sizeBytes: 1_000,
    arrivedMs: 1,
    header: null,
    selfTest: false,
    chosen: false,
    group: id.replace(/-q\d.*$/, ''),
    digest: null,
    origin: null,
    capabilities: ['chat', 'completion'],
    shape: null,
    problem: null,
    ...part,
  };
}

/** A header of which only the quantization matters, and the types of its tensors. */
export function headerWith(quantization: string, tensorTypes = new Map([[12, 1]])): GgufHeader {
  const counts = { sizeBytes: 1_000, blockCount: null, embeddingLength: null, headCount: null, headCountKv: null };
  return {
    ...counts,
    version: 3,
    architecture: 'llama',
    name: null,
    quantization,
    contextLength: null,
    parameters: 1,
    tensorTypes,
    hasChatTemplate: false,
    use: { chatTemplate: null, tools: false, use: 'answers' },
    shape: null,
  };
}

export const selfTest = modelFile('self-test', { selfTest: true, arrivedMs: 0 });

export function libraryModel(name: string, part: Partial<LibraryModel> = {}): LibraryModel {
  return {
    name,
    family: null,
    parameters: null,
    quantization: 'Q4_K_M',
    sizeBytes: 1_000,
    contextLength: 4_096,
    capabilities: ['chat', 'completion'],
    group: name,
    modifiedMs: 1,
    shape: null,
    ...part,
  };
}

/** A fit with that verdict. */
export function fitOf(verdict: ModelFit['verdict'], unload: string[] = []): ModelFit {
  const bytes = { weightsBytes: 1, kvBytes: 1, computeBytes: 1, headroomBytes: 1, neededBytes: 4, freeBytes: 4 };
  const speeds = { tokensPerSecond: null, prefillTokensPerSecond: null, measured: false };
  const context = { contextLength: 2_048, parallel: 1, kvType: 'f16', largestContextLength: null };
  return { verdict, sentence: `It ${verdict}.`, unload, ...bytes, ...speeds, ...context };
}

const defaults: ModelsSettings = {
  default: null,
  onDemand: true,
  holdMs: 60_000,
  keepAliveMinutes: 5,
  warm: [],
  options: {},
};

/** Engines of a node with engines of the test, a clock of the test and files in the test's mind. */
export async function enginesWith(given: {
  readonly engines: readonly FakeLocalEngine[];
  readonly files?: readonly CatalogModel[];
  readonly settings?: Partial<ModelsSettings>;
  readonly fit?: (subject: FitSubject) => ModelFit | null;
  readonly rescan?: () => Promise<void>;
  readonly dataDir?: string;
}) {
  const clock = new ManualClock();
  const changed = new Announcer<void>();
  let files = given.files ?? [];
  const remembered: string[] = [];
  const rememberedOptions: OptionsByName[] = [];
  const removed: string[] = [];
  const setFiles = (next: readonly CatalogModel[]): void => {
    files = next;
    changed.announce();
  };
  const engines = new Engines(
    {
      dataDir: given.dataDir ?? tempFolder(),
      logsDir: '',
      childScript: '',
      nodeExecutable: '',
      env: {},
      engines: onlyEmbedded({}),
      models: { ...defaults, ...given.settings },
    },
    {
      catalog: {
        changed,
        list: () => files,
        default: () => null,
        rescan: given.rescan ?? (() => Promise.resolve()),
      },
      clock,
      logger: silentLogger,
      factories: given.engines.map((engine) => (_options, site) => {
        engine.site = site;
        return engine;
      }),
      remember: (wish) => void remembered.push(wish),
      rememberOptions: (options) => void rememberedOptions.push(options),
      removeFile: (file) => {
        removed.push(file.path);
        setFiles(files.filter(({ path }) => path !== file.path));
        return Promise.resolve();
      },
      ...(given.fit && { fit: given.fit }),
    },
  );
  await engines.start();
  await calm();
  return { engines, clock, setFiles, remembered, rememberedOptions, removed };
}

/** Lets everything that waits for nothing but its turn have it. */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

export function ask(
  engines: Engines,
  engineId: string,
  request: { readonly model: string; readonly byDefault?: boolean },
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const upstream = engines.upstreams().find((each) => each.describe().id === engineId);
  if (!upstream) throw new Error(`there is no upstream ${engineId}`);
  const body = Buffer.from(JSON.stringify({ model: request.model, prompt: 'hi' }));
  const whole: InferenceRequest = {
    trace: 't',
    operation: 'completion',
    stream: false,
    dialect: 'openai',
    body,
    ...request,
  };
  return upstream.generate(whole, signal).then(textOf);
}

function textOf(response: WireResponse): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  response.body.pipe({
    raw: () => true,
    payload: (bytes, start, end) => {
      text += bytes.toString('utf8', start, end);
    },
    end: () => resolve(text),
    fail: reject,
  });
  return promise;
}

export function defaultOf(engines: Engines): string | undefined {
  return engines.models().find((model) => model.isDefault)?.id;
}

/** The name of a model as the gateway sees it at that engine: with a star where it is in memory. */
export function servedAt(engines: Engines, engineId: string): string[] {
  const description = engines
    .upstreams()
    .map((each) => each.describe())
    .find(({ id }) => id === engineId);
  return (description?.models ?? []).map(({ id, loaded }) => (loaded ? `${id}*` : id));
}
