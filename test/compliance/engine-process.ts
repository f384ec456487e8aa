import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseReport, type ChildSettings, type LoadedModel } from '../../electron/agent/engines/embedded/protocol.ts';
import type { EngineUnderTest } from './engine-suite.ts';

const key = 'key-of-the-engine-under-test';

/** A running engine process, and what it cost to start. */
export interface RunningEngine extends EngineUnderTest {
  readonly loaded: LoadedModel;
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Starts the embedded engine's real process on a model. */
export async function startEngine(modelPath: string, model: string, contextSize: number): Promise<RunningEngine> {
  const script = join(import.meta.dirname, '../../electron/agent/engines/embedded/child/main.ts');
  const startMs = performance.now();
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-8_192)));
  const settings: ChildSettings = { key, modelPath, modelId: model, contextSize, parallel: 2, threads: 1 };
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  const exited = once(child, 'exit');
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const report = parseReport(line);
      if (report?.event === 'ready') return report;
    }
    throw new Error(`The engine ended before it was ready.\n${errors}`);
  })();
  const { port, model: loaded } = await ready;
  child.stdout.resume();
  return {
    url: `http://127.0.0.1:${port}`,
    key,
    model,
    slots: loaded.slots,
    loaded,
    readyMs: performance.now() - startMs,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
