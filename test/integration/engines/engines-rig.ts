import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { EmbeddedKind } from '../../../electron/agent/engines/embedded/embedded-kind.ts';
import { EngineLog } from '../../../electron/agent/engines/engine-log.ts';
import { Engines } from '../../../electron/agent/engines/engines.ts';
import { ProcessEngine } from '../../../electron/agent/engines/process-engine/process-engine.ts';
import { Leftovers } from '../../../electron/agent/engines/supervisor/leftovers.ts';
import { identifyProcess } from '../../../electron/agent/engines/supervisor/process-identity.ts';
import { killTree } from '../../../electron/agent/engines/supervisor/process-tree.ts';
import type { CatalogModel } from '../../../electron/agent/models/catalog-model.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import type { EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { onlyEmbedded } from '../../fixtures/engine-settings.ts';

/** The real engine's program, straight from its source: Node runs TypeScript. */
export const realChild = join(import.meta.dirname, '../../../electron/agent/engines/embedded/child/main.ts');
export const fakeChild = join(import.meta.dirname, '../../fakes/fake-engine.ts');
export const fakeOwner = join(import.meta.dirname, '../../fakes/fake-engine-owner.ts');

/** The self-test model as a file in that folder. */
export function writeSelfTestModel(folder: string): string {
  const file = join(folder, 'self-test.gguf');
  writeFileSync(file, buildSelfTestModel());
  return file;
}

/** The engines of a node whose only model is the self-test model, and the catalog behind them. */
export async function startEngines(
  folder: string,
  childScript: string,
): Promise<{ engines: Engines; catalog: ModelCatalog }> {
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir, { recursive: true });
  const catalog = new ModelCatalog(
    { modelsDir, defaultPath: null, selfTestPath: writeSelfTestModel(folder) },
    { clock: systemClock, logger: silentLogger },
  );
  await catalog.start();
  const engines = new Engines(
    {
      dataDir: folder,
      logsDir: join(folder, 'logs'),
      childScript,
      nodeExecutable: process.execPath,
      env: {},
      engines: onlyEmbedded({ contextLength: 2_048, parallel: 2, threads: 1 }),
    },
    { catalog, clock: systemClock, logger: silentLogger },
  );
  await engines.start();
  return { engines, catalog };
}

/** What the catalogue would say of a file that the fake process takes for the name of a behaviour. */
function namedBehaviour(behaviour: string): CatalogModel {
  return {
    id: 'self-test',
    name: 'fake',
    path: behaviour,
    sizeBytes: 1,
    arrivedMs: 0,
    header: {
      sizeBytes: 1,
      version: 3,
      architecture: 'llama',
      name: null,
      quantization: null,
      contextLength: null,
      blockCount: null,
      embeddingLength: null,
      headCount: null,
      headCountKv: null,
      parameters: 1,
      tensorTypes: new Map(),
      hasChatTemplate: false,
      use: { chatTemplate: null, tools: false, use: 'answers' },
      shape: null,
    },
    selfTest: false,
    chosen: false,
    group: 'fake',
    digest: null,
    origin: null,
    capabilities: ['chat'],
    shape: null,
    problem: null,
  };
}

/** An engine whose process is the fake one, misbehaving as named, and the way to have it loaded. */
export function fakeEngine(
  folder: string,
  behaviour: string,
): { readonly engine: ProcessEngine; readonly load: (signal?: AbortSignal) => Promise<void> } {
  const log = new EngineLog({ clock: systemClock, file: null });
  const leftovers = new Leftovers(
    { file: join(folder, 'engine-processes.json') },
    { identify: identifyProcess, kill: killTree, logger: silentLogger },
  );
  const kind = new EmbeddedKind(
    {
      nodeExecutable: process.execPath,
      childScript: fakeChild,
      settings: { enabled: true, contextLength: 'auto', parallel: 'auto', threads: 'auto' },
    },
    { clock: systemClock, log, leftovers },
  );
  const engine = new ProcessEngine({
    kind,
    clock: systemClock,
    logger: silentLogger,
    log,
    random: () => 0.5,
    defaultModel: () => null,
  });
  const target = {
    id: 'self-test',
    file: namedBehaviour(behaviour),
    options: { contextLength: 'auto', parallel: 'auto', kvType: null },
  } as const;
  return { engine, load: (signal = new AbortController().signal) => engine.load(target, signal) };
}

interface Watched {
  readonly changed: { subscribe(listener: () => void): () => void };
}

/** Resolves with the first snapshot that the test waits for. */
export function until(
  source: Watched & ({ snapshot(): EngineSnapshot } | { list(): EngineSnapshot[] }),
  wanted: (engine: EngineSnapshot) => boolean,
): Promise<EngineSnapshot> {
  const read = (): EngineSnapshot | undefined => ('snapshot' in source ? source.snapshot() : source.list()[0]);
  return new Promise((resolve) => {
    const look = (): void => {
      const engine = read();
      if (!engine || !wanted(engine)) return;
      cancel();
      resolve(engine);
    };
    const cancel = source.changed.subscribe(look);
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

/** Resolves when the process is gone, with how long that took in milliseconds. */
export async function gone(pid: number): Promise<number> {
  const startMs = performance.now();
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  return performance.now() - startMs;
}
