import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { buildSelfTestModel, buildTernaryTestModel } from '../../build/self-test-model.ts';
import { llamaQuantizeFile, testEnginesFolder } from '../../build/test-engines/layout.ts';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { defaultSettings } from '../../electron/agent/config/settings.ts';
import type { EngineFactory, EngineSettings } from '../../electron/agent/engines/engine-factory.ts';
import type { Engine, LoadTarget } from '../../electron/agent/engines/engine.ts';
import { Leftovers } from '../../electron/agent/engines/supervisor/leftovers.ts';
import { identifyProcess } from '../../electron/agent/engines/supervisor/process-identity.ts';
import { killTree } from '../../electron/agent/engines/supervisor/process-tree.ts';
import type { InferenceRequest, Operation } from '../../electron/agent/inference/request.ts';
import type { CatalogModel } from '../../electron/agent/models/catalog-model.ts';
import { ModelCatalog } from '../../electron/agent/models/catalog.ts';

export { readBody } from '../fixtures/read-body.ts';
export const never: AbortSignal = new AbortController().signal;

/** The real embedded engine's program, straight from its source: Node runs TypeScript. */
const embeddedChild = join(import.meta.dirname, '../../electron/agent/engines/embedded/child/main.ts');

export interface MadeEngine {
  readonly engine: Engine;
  readonly catalog: ModelCatalog;
  /** The catalogue's entry of a file that was handed in. */
  model(file: string): CatalogModel;
  /** Loads a file that begins like a model and ends in the middle of its weights. */
  readonly broken: () => Promise<LoadTarget>;
}

/** An engine as an agent makes it, in a folder of the test, with those files in its models folder. */
export async function makeEngine(
  folder: string,
  factory: EngineFactory,
  settings: Partial<EngineSettings>,
  files: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<MadeEngine> {
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir, { recursive: true });
  for (const file of files) putInto(modelsDir, file);
  const catalog = new ModelCatalog(
    { modelsDir, defaultPath: null, selfTestPath: join(folder, 'no-self-test.gguf') },
    { clock: systemClock, logger: silentLogger },
  );
  await catalog.rescan();
  const leftovers = new Leftovers(
    { file: join(folder, 'engine-processes.json') },
    { identify: identifyProcess, kill: killTree, logger: silentLogger },
  );
  const engine = factory(
    {
      dataDir: join(folder, 'data'),
      logsDir: join(folder, 'logs'),
      childScript: embeddedChild,
      nodeExecutable: process.execPath,
      env,
      engines: { ...defaultSettings.engines, ...settings },
    },
    { catalog, clock: systemClock, logger: silentLogger, leftovers, defaultModel: () => null, random: () => 0.5 },
  );
  if (!engine) throw new Error('the settings switch this engine off');
  const model = (file: string): CatalogModel => {
    const found = catalog.list().find(({ path }) => basename(path) === basename(file));
    if (!found) throw new Error(`${file} is not in the catalogue`);
    return found;
  };
  return {
    engine,
    catalog,
    model,
    broken: async () => {
      const whole = buildSelfTestModel();
      writeFileSync(join(modelsDir, 'broken.gguf'), whole.subarray(0, Math.floor(whole.length / 2)));
      await catalog.rescan();
      return targetOf(model('broken.gguf'));
    },
  };
}

/** The self-test model as a file in that folder. */
export function writeSelfTest(folder: string, name = 'self-test.gguf'): string {
  const file = join(folder, name);
  writeFileSync(file, buildSelfTestModel());
  return file;
}

/** The computed model in TQ2_0, made of its F16 file by the real llama-quantize. */
export async function writeTernary(folder: string): Promise<string> {
  const source = join(folder, 'ternary-f16.gguf');
  writeFileSync(source, buildTernaryTestModel());
  const file = join(folder, 'ternary-tq2_0.gguf');
  const quantize = join(testEnginesFolder(process.env), llamaQuantizeFile);
  await promisify(execFile)(quantize, [source, file, 'TQ2_0', '1']);
  return file;
}

/** What the models under test are asked for to keep them busy: the tokens that would end their answer are forbidden. */
export const longAnswers = {
  selfTest: { prompt: 'Go on.', temperature: 0, max_tokens: 12_000, logit_bias: { 2: -100 } },
  ternary: { prompt: 'Go on.', temperature: 0, max_tokens: 12_000, ignore_eos: true },
  gemma: { prompt: 'Once upon a time', temperature: 0, max_tokens: 1_900, logit_bias: { 1: -100, 106: -100 } },
} as const;

function putInto(modelsDir: string, file: string): void {
  const target = join(modelsDir, basename(file));
  try {
    symlinkSync(file, target);
  } catch {
    // Windows lets nobody link without a privilege.
    copyFileSync(file, target);
  }
}

/** Loads this file with what the engine's settings say. */
export function targetOf(file: CatalogModel, options: Partial<LoadTarget['options']> = {}): LoadTarget {
  return { id: file.id, file, options: { contextLength: 'auto', parallel: 'auto', kvType: null, ...options } };
}

export function requestFor(
  model: string,
  operation: Operation,
  body: Readonly<Record<string, unknown>>,
): InferenceRequest {
  return {
    trace: 'compliance',
    operation,
    model,
    stream: body['stream'] === true,
    dialect: 'openai',
    body: Buffer.from(JSON.stringify({ model, ...body })),
  };
}

/** Resolves when the engine says what the test waits for; rejects with what it says instead after `withinMs`. */
export function untilEngine(engine: Engine, wanted: () => boolean, withinMs = 60_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null): void => {
      clearTimeout(timer);
      clearInterval(looking);
      cancel();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => {
      const { state, sentence } = engine.snapshot();
      const tail = engine.log.tail(10).map(({ text }) => text);
      settle(new Error(`not within ${withinMs} ms; it is ${state}: ${sentence}\n${tail.join('\n')}`));
    }, withinMs);
    const look = (): void => {
      if (wanted()) settle(null);
    };
    // How busy it is may change without a word.
    const looking = setInterval(look, 50);
    const cancel = engine.changed.subscribe(look);
    look();
  });
}

/** Whether a process with that number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the process is gone. */
export async function goneProcess(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}
