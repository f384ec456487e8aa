import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessEngine } from '../../../electron/agent/engines/process-engine/process-engine.ts';
import { identifyProcess } from '../../../electron/agent/engines/supervisor/process-identity.ts';
import { gemmaVariant } from '../../fixtures/gemma-variants.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { gone, isAlive, until } from './engines-rig.ts';
import {
  answer,
  asSettings,
  catalogModels,
  leftoversIn,
  llamaServer,
  never,
  read,
  request,
} from './llama-server-rig.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const messages = [{ role: 'user', content: 'Tell me a story about a horse.' }];
const endless = {
  messages,
  stream: true,
  temperature: 0,
  max_tokens: 900,
  logit_bias: [
    [1, -100],
    [106, -100],
  ],
};

type Context = Parameters<typeof testEngine>[0];

async function loaded(context: Context, more: Parameters<typeof llamaServer>[2] = {}) {
  const program = testEngine(context, 'llama-server');
  const folder = tempFolder();
  const [model] = await catalogModels(folder, [testEngine(context, 'gemma')]);
  if (!model) throw new Error('there is no model');
  const engine = llamaServer(folder, program, more);
  stops.push(() => engine.stop());
  await engine.start();
  await engine.load({ id: model.id, file: model, options: asSettings }, never());
  return { folder, engine, model, id: model.id };
}

const mainPid = (engine: ProcessEngine): number => engine.snapshot().pid ?? 0;

describe('llama-server of ours', { timeout: 120_000 }, () => {
  it('stands by without a model, loads one, and says what it can do', async (context) => {
    const program = testEngine(context, 'llama-server');
    const idle = llamaServer(tempFolder(), program);
    await idle.start();
    expect(idle.snapshot()).toMatchObject({ state: 'stopped', foundAt: program, pid: null, model: null });
    expect(idle.snapshot().sentence).toContain('stands by');
    expect(idle.upstream.describe()).toMatchObject({ ready: false, comesUp: false, models: [] });

    const { engine, id, folder } = await loaded(context);
    expect(engine.snapshot()).toMatchObject({
      state: 'ready',
      model: id,
      slots: { total: 2, busy: 0 },
      processes: [{ model: id, state: 'ready' }],
      advice: [{ sentence: expect.stringContaining('does not know its own build') as string }],
    });
    expect(engine.upstream.describe()).toMatchObject({
      ready: true,
      slots: 2,
      defaultModel: null,
      models: [
        {
          id,
          loaded: true,
          contextLength: 1_024,
          capabilities: ['chat', 'completion', 'embedding', 'json', 'logprobs'],
        },
      ],
    });
    const identity = await identifyProcess(mainPid(engine));
    // The key is in a file that only its owner reads, and neither in the arguments nor in the environment.
    const [keyFile = ''] = readdirSync(join(folder, 'data', 'run'));
    const key = readFileSync(join(folder, 'data', 'run', keyFile), 'utf8').trim();
    expect(identity?.commandLine).not.toContain(key);
    if (process.platform === 'linux') {
      const environment = readFileSync(`/proc/${mainPid(engine)}/environ`, 'utf8');
      expect(environment).not.toContain('SECRET_OF_THE_OPERATOR');
      expect(statSync(join(folder, 'data', 'run', keyFile)).mode & 0o777).toBe(0o600);
    }
    await engine.stop();
    expect(readdirSync(join(folder, 'data', 'run'))).toEqual([]);
    expect(engine.snapshot()).toMatchObject({ state: 'stopped', pid: null });
    await engine.start();
    await until(engine, ({ state }) => state === 'ready');
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('chats, streams, completes, makes vectors and holds an answer to JSON', async (context) => {
    const { engine, id } = await loaded(context);
    const chat = await answer(engine, id, { messages, temperature: 0, max_tokens: 8 });
    expect(chat.json).toMatchObject({ model: id, usage: { completion_tokens: 8 } });
    const stream = await engine.upstream.generate(
      request(id, { messages, temperature: 0, max_tokens: 8, stream: true }),
      never(),
    );
    expect((await read(stream)).text).toContain('[DONE]');
    const completion = await answer(engine, id, { prompt: 'Once upon a time', max_tokens: 5 }, 'completion');
    expect(completion.json).toMatchObject({ usage: { completion_tokens: 5 } });
    const { json } = await answer(engine, id, { input: ['a horse', 'a cow'] }, 'embedding');
    expect((json['data'] as { embedding: number[] }[]).map(({ embedding }) => embedding.length)).toEqual([640, 640]);
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    const held = await answer(engine, id, {
      messages,
      // Freely sampled, one in seven fills up with white space, which the schema allows.
      temperature: 0,
      max_tokens: 30,
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema } },
    });
    const [choice] = held.json['choices'] as { message: { content: string } }[];
    expect(JSON.parse(choice?.message.content ?? '')).toEqual({ ok: expect.any(Boolean) as boolean });
  });

  it('frees its slot when the caller leaves', async (context) => {
    const { engine, id } = await loaded(context);
    const caller = new AbortController();
    const response = await engine.upstream.generate(request(id, endless), caller.signal);
    const first = Promise.withResolvers<null>();
    void read(response, () => first.resolve(null));
    await first.promise;
    expect(engine.snapshot().slots.busy).toBe(1);
    caller.abort();
    await expect.poll(() => engine.snapshot().slots.busy).toBe(0);
    const quick = await answer(engine, id, { messages, max_tokens: 2 });
    expect(quick.status).toBe(200);
  });

  it('F1 SIGKILL mid-stream: the answer breaks off, a request that comes meanwhile waits and is answered', async (context) => {
    const { engine, id } = await loaded(context);
    const pid = mainPid(engine);
    const response = await engine.upstream.generate(request(id, endless), never());
    let killed = false;
    const { text, error } = await read(response, () => {
      if (!killed) process.kill(pid, 'SIGKILL');
      killed = true;
    });
    expect(error).not.toBeNull();
    expect(text).not.toContain('[DONE]');
    await until(engine, ({ state }) => state !== 'ready');
    expect(engine.upstream.describe()).toMatchObject({ ready: false, comesUp: true, models: [{ id, loaded: false }] });
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
    expect(engine.snapshot()).toMatchObject({ state: 'ready', restarts: 1, lastExit: { signal: 'SIGKILL' } });
    expect(mainPid(engine)).not.toBe(pid);
  });

  it('loads a second quantization beside the first, unloads one after its answer, restarts with the rest', async (context) => {
    const { engine, folder, id } = await loaded(context, { defaultModel: () => 'gemma-3-270m-q8_0' });
    const [other] = await catalogModels(folder, [await gemmaVariant(context, 'Q8_0')]);
    if (!other) throw new Error('there is no second model');
    await engine.load({ id: other.id, file: other, options: { ...asSettings, parallel: 1 } }, never());
    const both = engine.snapshot();
    expect(both).toMatchObject({ model: other.id, slots: { total: 3 }, state: 'ready' });
    expect(both.processes.map(({ model }) => model)).toEqual([other.id, id]);
    expect(engine.upstream.describe()).toMatchObject({ defaultModel: other.id });
    expect(engine.models().map((model) => [model.id, model.state])).toEqual([
      [id, 'loaded'],
      [other.id, 'loaded'],
    ]);
    const again = mainPid(engine);
    await engine.load({ id: other.id, file: other, options: { ...asSettings, parallel: 1 } }, never());
    expect(mainPid(engine)).toBe(again);

    const long = read(await engine.upstream.generate(request(id, { ...endless, max_tokens: 60 }), never()));
    const leaving = engine.unload(id, { drainMs: 60_000 });
    expect(engine.models().find((model) => model.id === id)?.state).toBe('unloading');
    await expect(answer(engine, id, { messages })).rejects.toMatchObject({ code: 'engine_not_ready' });
    expect((await long).text).toContain('[DONE]');
    await leaving;
    expect(engine.models().map((model) => model.id)).toEqual([other.id]);
    await engine.restart();
    await until(engine, ({ state }) => state === 'ready');
    expect(mainPid(engine)).not.toBe(again);
    expect((await answer(engine, other.id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('a load of a model that only finishes its answers before it goes keeps it, and its answers', async (context) => {
    const { engine, model, id } = await loaded(context);
    const pid = mainPid(engine);
    const long = read(await engine.upstream.generate(request(id, { ...endless, max_tokens: 60 }), never()));
    const leaving = engine.unload(id, { drainMs: 60_000 });
    expect(engine.models()[0]?.state).toBe('unloading');
    await engine.load({ id, file: model, options: asSettings }, never());
    await leaving;
    expect(engine.models()).toMatchObject([{ id, state: 'loaded' }]);
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
    expect((await long).text).toContain('[DONE]');
    expect(mainPid(engine)).toBe(pid);

    // Too late to stay: it is ended, and begun anew.
    const ending = engine.unload(id, { drainMs: 0 });
    await until(engine, ({ state }) => state === 'stopping');
    await engine.load({ id, file: model, options: asSettings }, never());
    await ending;
    expect(engine.models()).toMatchObject([{ id, state: 'loaded' }]);
    expect(mainPid(engine)).not.toBe(pid);
  });

  it('a load with other options takes the place of the one before', async (context) => {
    const { engine, model, id } = await loaded(context);
    const pid = mainPid(engine);
    const options = { contextLength: 512, parallel: 1, kvType: 'q8_0' } as const;
    await engine.load({ id, file: model, options }, never());
    await gone(pid);
    expect(engine.models()).toMatchObject([{ id, contextLength: 512, slots: 1 }]);
    const { commandLine } = (await identifyProcess(mainPid(engine))) ?? { commandLine: '' };
    expect(commandLine).toContain('--cache-type-k q8_0');
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('a file that holds no model is told with the last word of the engine, and leaves nothing behind', async (context) => {
    const { engine, folder, id } = await loaded(context);
    const file = join(folder, 'sparse.gguf');
    writeFileSync(file, '');
    truncateSync(file, 50_000_000);
    const [model] = await catalogModels(folder, [testEngine(context, 'gemma')]);
    if (!model) throw new Error('there is no model');
    const sparse = { ...model, id: 'sparse', path: file };
    await expect(engine.load({ id: 'sparse', file: sparse, options: asSettings }, never())).rejects.toMatchObject({
      code: 'model_unusable',
      message: expect.stringMatching(/invalid magic|failed to load/) as string,
    });
    expect(engine.models().map((entry) => entry.id)).toEqual([id]);
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('a load that is given up is unloaded again', async (context) => {
    const { engine, folder, id } = await loaded(context);
    const [other] = await catalogModels(folder, [await gemmaVariant(context, 'Q8_0')]);
    if (!other) throw new Error('there is no second model');
    const caller = new AbortController();
    const loading = engine.load({ id: other.id, file: other, options: asSettings }, caller.signal);
    const started = until(engine, ({ processes }) => processes.length === 2);
    const { processes } = await started;
    caller.abort();
    await expect(loading).rejects.toMatchObject({ code: 'caller_gone' });
    expect(engine.models().map((entry) => entry.id)).toEqual([id]);
    expect(isAlive(processes.find(({ model }) => model === other.id)?.pid ?? 0)).toBe(false);
  });

  it('F8 port stolen between pick and bind: another port, and no failure is counted', async (context) => {
    const thief = createServer().listen(0, '127.0.0.1');
    await once(thief, 'listening');
    stops.push(() => void thief.close());
    const address = thief.address();
    const stolen = typeof address === 'object' && address !== null ? address.port : 0;
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const second = free.address();
    const freePort = typeof second === 'object' && second !== null ? second.port : 0;
    free.close();
    await once(free, 'close');
    const ports = [stolen, freePort];
    const { engine, id } = await loaded(context, { pickPort: () => Promise.resolve(ports.shift() ?? 0) });
    expect(ports).toEqual([]);
    expect(engine.snapshot()).toMatchObject({ state: 'ready', restarts: 0, lastExit: null });
    expect(engine.log.tail(1_000).some(({ text }) => text.includes(`Port ${stolen} was taken`))).toBe(true);
    expect((await answer(engine, id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('F36 the program is replaced by a broken one: a restart is refused, what runs goes on', async (context) => {
    const real = testEngine(context, 'llama-server');
    const folder = tempFolder();
    mkdirSync(join(folder, 'own'));
    const program = join(folder, 'own', 'llama-server');
    writeFileSync(program, `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o755 });
    const [model] = await catalogModels(folder, [testEngine(context, 'gemma')]);
    if (!model) throw new Error('there is no model');
    const engine = llamaServer(folder, program);
    stops.push(() => engine.stop());
    await engine.start();
    await engine.load({ id: model.id, file: model, options: asSettings }, never());
    const pid = mainPid(engine);
    writeFileSync(program, '#!/bin/sh\necho "version: 9000 (abc)"\n', { mode: 0o755 });
    await expect(engine.restart()).rejects.toMatchObject({ message: expect.stringContaining('b9000') as string });
    expect(mainPid(engine)).toBe(pid);
    expect((await answer(engine, model.id, { messages, max_tokens: 2 })).status).toBe(200);
  });

  it('F5 what a killed agent left behind is known by its key file and ended at the next start', async (context) => {
    const { engine, folder } = await loaded(context);
    const pid = mainPid(engine);
    // As the next agent would: a new list, read from the same file.
    expect(await leftoversIn(folder).sweep()).toEqual({ ended: 1, foreign: 0 });
    engine.killNow();
    await gone(pid);
  });
});
