import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engines } from '../../../electron/agent/engines/engines.ts';
import type { Upstream } from '../../../electron/agent/inference/upstream.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { realChild, startEngines, until } from './engines-rig.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function running() {
  const folder = tempFolder();
  const started = await startEngines(folder, realChild);
  stops.push(
    () => started.catalog.stop(),
    () => started.engines.stop(),
  );
  await until(started.engines, ({ state }) => state === 'ready');
  const addModel = async (): Promise<string> => {
    const file = join(folder, 'models', 'horse.gguf');
    copyFileSync(join(folder, 'self-test.gguf'), file);
    await started.catalog.rescan();
    return file;
  };
  return { folder, addModel, upstream: upstreamOf(started.engines), ...started };
}

function upstreamOf(engines: Engines): Upstream {
  const [upstream] = engines.upstreams();
  if (!upstream) throw new Error('there is no engine');
  return upstream;
}

/** A streamed answer of that many tokens: the fixed sentence again and again, its end token forbidden. */
async function streamed(upstream: Upstream, tokens: number) {
  const messages = [{ role: 'user', content: 'hi' }];
  const body = { messages, stream: true, max_tokens: tokens, logit_bias: { 2: -100 }, temperature: 0 };
  const response = await upstream.generate(
    {
      trace: 't',
      operation: 'chat',
      model: 'self-test',
      stream: true,
      dialect: 'openai',
      body: Buffer.from(JSON.stringify(body)),
    },
    new AbortController().signal,
  );
  let text = '';
  return new Promise<{ text: string; error: Error | null }>((resolve) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        text += bytes.toString('utf8', start, end);
      },
      end: () => resolve({ text, error: null }),
      fail: (error) => resolve({ text, error }),
    });
  });
}

const defaults = (engines: Engines): string[] =>
  engines
    .models()
    .filter((model) => model.isDefault)
    .map((model) => model.id);
const servedNames = (upstream: Upstream): string[] => upstream.describe().models.map((model) => model.id);

describe('models that come and go', () => {
  it('a model file moved away while the engine is stopped: another is loaded, the gone name is not served', async () => {
    const { folder, engines, upstream, addModel } = await running();
    const file = await addModel();
    await until(engines, ({ state, model }) => state === 'ready' && model === 'horse');
    await engines.stopEngine('embedded');
    renameSync(file, join(folder, 'elsewhere.gguf'));
    await engines.startEngine('embedded');
    const settled = await until(engines, ({ state }) => state === 'ready' || state === 'failed' || state === 'backoff');
    expect(settled).toMatchObject({ state: 'ready', model: 'self-test' });
    expect(defaults(engines)).toEqual(['self-test']);
    expect(servedNames(upstream)).toEqual(['self-test']);
  });

  it('F1 a crash after its model file went: the engine comes back with another', async () => {
    const { folder, engines, upstream, addModel } = await running();
    const file = await addModel();
    const { pid } = await until(engines, ({ state, model }) => state === 'ready' && model === 'horse');
    renameSync(file, join(folder, 'elsewhere.gguf'));
    process.kill(pid ?? 0, 'SIGKILL');
    await until(engines, ({ state, model }) => state === 'ready' && model === 'self-test');
    expect(servedNames(upstream)).toEqual(['self-test']);
  });

  it('a model that arrives in the middle of an answer is loaded beside it; the answer is complete', async () => {
    const { engines, upstream, addModel } = await running();
    const answer = streamed(upstream, 1_500);
    await until(engines, ({ slots }) => slots.busy === 1);
    await addModel();
    await until(engines, ({ state, model }) => state === 'ready' && model === 'horse');
    expect(defaults(engines)).toEqual(['horse']);
    const { text, error } = await answer;
    expect(error).toBeNull();
    expect(text).toContain('[DONE]');
    expect(upstream.describe()).toMatchObject({ ready: true, defaultModel: 'horse' });
  });

  it('a restart and a stop let the answer under way end; a stop during a restart is obeyed', async () => {
    const { engines, upstream } = await running();
    const before = await until(engines, ({ state }) => state === 'ready');
    const answer = streamed(upstream, 1_000);
    await until(engines, ({ slots }) => slots.busy === 1);
    await engines.restartEngine('embedded');
    expect((await answer).error).toBeNull();
    const after = await until(engines, ({ state }) => state === 'ready');
    expect(after.pid).not.toBe(before.pid);

    const last = streamed(upstream, 1_000);
    await until(engines, ({ slots }) => slots.busy === 1);
    const restarting = engines.restartEngine('embedded');
    await engines.stopEngine('embedded');
    await restarting;
    expect((await last).error).toBeNull();
    expect((await last).text).toContain('[DONE]');
    expect(engines.list()[0]).toMatchObject({ state: 'stopped', pid: null });
  });
});
