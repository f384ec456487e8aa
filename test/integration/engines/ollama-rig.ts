import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock, type Clock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { defaultSettings } from '../../../electron/agent/config/settings.ts';
import type { EngineSettings } from '../../../electron/agent/engines/engine-factory.ts';
import type { LoadOptions } from '../../../electron/agent/engines/engine.ts';
import { ollamaEngine, type OllamaMachine } from '../../../electron/agent/engines/ollama/ollama-factory.ts';
import type { OllamaEngine } from '../../../electron/agent/engines/ollama/ollama-engine.ts';
import { Leftovers } from '../../../electron/agent/engines/supervisor/leftovers.ts';
import { identifyProcess } from '../../../electron/agent/engines/supervisor/process-identity.ts';
import { killTree } from '../../../electron/agent/engines/supervisor/process-tree.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

export const plainLoad: LoadOptions = { contextLength: 'auto', parallel: 'auto', kvType: null };
export const noSignal: AbortSignal = new AbortController().signal;

export interface OllamaRigOptions {
  readonly settings?: Partial<EngineSettings['ollama']>;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly machine?: OllamaMachine;
  readonly dataDir?: string;
}

/** The Ollama engine of an agent, on its own; stopped when the test is over. */
export function ollamaRig(options: OllamaRigOptions): OllamaEngine {
  const dataDir = options.dataDir ?? tempFolder();
  const clock = options.clock ?? systemClock;
  const catalog = new ModelCatalog(
    { modelsDir: join(dataDir, 'models'), defaultPath: null, selfTestPath: join(dataDir, 'none.gguf') },
    { clock, logger: silentLogger },
  );
  const leftovers = new Leftovers(
    { file: join(dataDir, 'engine-processes.json') },
    { identify: identifyProcess, kill: killTree, logger: silentLogger },
  );
  const engine = ollamaEngine(
    {
      dataDir,
      logsDir: join(dataDir, 'logs'),
      childScript: '',
      nodeExecutable: process.execPath,
      env: options.env ?? {},
      engines: {
        ...defaultSettings.engines,
        ollama: { ...defaultSettings.engines.ollama, modelsDir: join(dataDir, 'library'), ...options.settings },
      },
    },
    { catalog, clock, logger: silentLogger, leftovers, defaultModel: () => null, random: () => 0.5 },
    options.machine,
  );
  if (!engine) throw new Error('the settings switch Ollama off');
  onTestFinished(() => engine.stop());
  return engine;
}

/** Resolves when the engine says so of itself; rejects with what it says after `withinMs`. */
export function until(engine: OllamaEngine, condition: () => boolean, withinMs = 50_000): Promise<void> {
  if (condition()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      cancel();
      reject(new Error(`not within ${withinMs} ms: ${JSON.stringify(engine.snapshot())}`));
    }, withinMs);
    const cancel = engine.changed.subscribe(() => {
      if (!condition()) return;
      clearTimeout(timer);
      cancel();
      resolve();
    });
  });
}

/** The system's time, `factor` times as fast for whatever waits, and moved on by {@link skip}. */
export class HurriedClock implements Clock {
  readonly #factor: number;
  #skippedMs = 0;

  constructor(factor: number) {
    this.#factor = factor;
  }

  /** As if this much time had passed in which nothing happened. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  now(): number {
    return systemClock.now() + this.#skippedMs;
  }

  monotonic(): number {
    return systemClock.monotonic() * this.#factor + this.#skippedMs;
  }

  after(delayMs: number, task: () => void): () => void {
    return systemClock.after(delayMs / this.#factor, task);
  }

  every(intervalMs: number, task: () => void): () => void {
    return systemClock.every(intervalMs / this.#factor, task);
  }
}
