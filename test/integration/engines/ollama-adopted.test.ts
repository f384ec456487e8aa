import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { FakeOllama } from '../../fakes/fake-ollama-process.ts';
import type { AppError } from '../../../electron/agent/base/errors.ts';
import type { OllamaEngine } from '../../../electron/agent/engines/ollama/ollama-engine.ts';
import { noSignal, ollamaRig, plainLoad, until } from './ollama-rig.ts';

it('F10 the operator’s own Ollama runs: adopted by OLLAMA_HOST, and untouched when the node ends', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ env: { OLLAMA_HOST: `127.0.0.1:${fake.port}` } });
  await engine.start();
  expect(engine.snapshot()).toMatchObject({ state: 'adopted', ownership: 'adopted', version: '0.17.4', url: fake.url });
  expect(engine.models().map(({ id, state }) => [id, state])).toEqual([
    ['tiny', 'idle'],
    ['other:8b-q8_0', 'idle'],
  ]);
  expect(engine.models()[0]?.library).toMatchObject({
    quantization: 'Q8_0',
    contextLength: 131_072,
    capabilities: ['chat', 'completion', 'json', 'tools'],
    shape: {
      layers: [
        { kvHeads: 8, keyLength: 128 },
        { kvHeads: 8, keyLength: 128 },
      ],
    },
  });
  await engine.stop();
  expect(engine.snapshot().state).toBe('stopped');
  expect(fake.running).toBe(true);
  const { requests } = await fake.state();
  expect(Object.keys(requests).filter((request) => !request.startsWith('GET'))).toEqual(['POST /api/show']);
});

it('F10 it goes away: shown and its models leave; it comes back: taken back, and what was loaded is loaded again', async () => {
  const fake = await FakeOllama.start();
  onTestFinished(() => fake.stop());
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  await fake.stop();
  await until(engine, () => engine.snapshot().state === 'absent');
  expect(engine.snapshot().sentence).toMatch(/is gone/);
  expect(engine.models()).toEqual([]);
  expect(engine.upstream.describe()).toMatchObject({ ready: false, models: [] });
  await using again = await FakeOllama.start(fake.port);
  await until(engine, () => engine.models().some(({ state }) => state === 'loaded'));
  expect(engine.snapshot().state).toBe('adopted');
  expect((await again.state()).loaded).toEqual(['tiny:latest']);
});

it('one that comes later is adopted', async () => {
  const first = await FakeOllama.start();
  await first.stop();
  const engine = ollamaRig({ settings: { url: first.url } });
  await engine.start();
  expect(engine.snapshot()).toMatchObject({
    state: 'absent',
    sentence: expect.stringMatching(/^No Ollama answers/) as string,
  });
  await using fake = await FakeOllama.start(first.port);
  await until(engine, () => engine.snapshot().state === 'adopted');
  expect(engine.snapshot().url).toBe(fake.url);
});

it('a foreign program on the port is named and left alone, whether it speaks HTTP or not', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ foreign: true });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  expect(engine.snapshot()).toMatchObject({
    state: 'absent',
    sentence: expect.stringMatching(/^Another program/) as string,
  });
  const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const other = ollamaRig({ settings: { url: `http://127.0.0.1:${address.port}` } });
  await other.start();
  expect(other.snapshot().sentence).toMatch(/^Another program/);
});

it('watching costs one small request a second, and asks what a model can do once', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ settings: { url: fake.url } });
  const begin = performance.now();
  await engine.start();
  let ps = 0;
  while (ps < 4) ps = (await fake.state()).requests['GET /api/ps'] ?? 0;
  const seconds = (performance.now() - begin) / 1000;
  const { requests } = await fake.state();
  // A busy machine makes it slower, nothing makes it faster.
  expect(ps - 1).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  expect(seconds).toBeGreaterThan(2);
  expect(requests).toEqual({
    'GET /api/version': 1,
    'GET /api/ps': ps,
    'GET /api/tags': 1,
    'POST /api/show': 2,
  });
});

it('a load carries no options; an unload drains first; both show while they last', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ holdLoads: true });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  const load = engine.load(
    { id: 'tiny:latest', file: null, options: { ...plainLoad, contextLength: 8_192 } },
    noSignal,
  );
  await until(engine, () => engine.models()[0]?.state === 'loading');
  while (((await fake.state()).requests['POST /api/generate'] ?? 0) === 0);
  await fake.finishLoad();
  await load;
  expect(engine.models()[0]).toMatchObject({
    id: 'tiny',
    state: 'loaded',
    contextLength: 4_096,
    memoryBytes: 1_000_000,
  });
  expect((await fake.state()).bodies['/api/generate']).toEqual({ model: 'tiny:latest', stream: false, keep_alive: -1 });
  await engine.unload('tiny', { drainMs: 1_000 });
  expect(engine.models()[0]).toMatchObject({ state: 'idle', memoryBytes: null });
});

/** A stream that has begun and goes on; `ended` tells how it ended. */
async function stream(engine: OllamaEngine): Promise<{ readonly ended: Promise<AppError | null> }> {
  const body = Buffer.from('{"model":"tiny","messages":[],"stream":true}');
  const ask = { trace: 't', operation: 'chat', model: 'tiny', stream: true, dialect: 'openai', body } as const;
  const response = await engine.upstream.generate(ask, noSignal);
  const begun = Promise.withResolvers<null>();
  const ended = new Promise<AppError | null>((resolve) => {
    response.body.pipe({
      raw: () => {
        begun.resolve(null);
        return true;
      },
      payload: () => undefined,
      end: () => resolve(null),
      fail: resolve,
    });
  });
  await begun.promise;
  return { ended };
}

it('F10 a node that ends hands back what it had Ollama keep for good, and loads nothing for that', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  await engine.stop();
  const { bodies, loaded } = await fake.state();
  expect(bodies['/api/generate']).toEqual({ model: 'tiny:latest', stream: false, keep_alive: '5m' });
  expect(loaded).toEqual(['tiny:latest']);

  await engine.start();
  await engine.unload('tiny', { drainMs: 0 });
  const before = (await fake.state()).requests['POST /api/generate'];
  await engine.stop();
  expect((await fake.state()).requests['POST /api/generate']).toBe(before);
});

it('an unload breaks off answers that outlast its patience, and their callers are told', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ endless: true });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  const { ended } = await stream(engine);
  await engine.unload('tiny', { drainMs: 50 });
  expect(await ended).toMatchObject({
    code: 'upstream_failed',
    message: 'tiny was unloaded before its answer was complete. Send the request again.',
  });
  expect(engine.models()[0]).toMatchObject({ state: 'idle', memoryBytes: null });
});

it('a load of a model that only finishes its answers before it goes keeps it, and its answers', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ endless: true });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  const { ended } = await stream(engine);
  const leaving = engine.unload('tiny', { drainMs: 60_000 });
  expect(engine.models()[0]?.state).toBe('unloading');
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  await leaving;
  expect(engine.models()[0]?.state).toBe('loaded');
  expect(await Promise.race([ended, stream(engine)])).toMatchObject({ ended: expect.any(Promise) as Promise<unknown> });
  expect((await fake.state()).loaded).toEqual(['tiny:latest']);
  await engine.unload('tiny', { drainMs: 0 });
  expect(await ended).toMatchObject({ code: 'upstream_failed' });
});

it('F13 a load that is given up is unloaded again', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ holdLoads: true });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  const giveUp = new AbortController();
  const load = engine.load({ id: 'tiny', file: null, options: plainLoad }, giveUp.signal);
  while (((await fake.state()).requests['POST /api/generate'] ?? 0) === 0);
  giveUp.abort();
  await expect(load).rejects.toMatchObject({ code: 'caller_gone' });
  expect(await fake.state()).toMatchObject({ loaded: [], bodies: { '/api/generate': { keep_alive: 0 } } });
  expect(engine.models()[0]?.state).toBe('idle');
});

it('an embedding model is loaded by its own route', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ capabilities: ['embedding'] });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  expect((await fake.state()).bodies['/api/embed']).toEqual({ model: 'tiny:latest', input: [], keep_alive: -1 });
});

it('names what it cannot load', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  await expect(engine.load({ id: 'nope', file: null, options: plainLoad }, noSignal)).rejects.toMatchObject({
    code: 'model_not_found',
    message: 'Ollama has no model nope. Pull it first.',
  });
  await expect(engine.restart()).rejects.toMatchObject({ code: 'conflict' });
});

it('pulls with progress; an error line under status 200 and a cut are errors', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  const seen: unknown[] = [];
  await engine.pullModel('fresh:1b', (progress) => seen.push(progress), noSignal);
  expect(seen).toContainEqual(expect.objectContaining({ receivedBytes: 500_000, totalBytes: 1_000_000 }));
  expect(engine.hasModel('fresh:1b')).toBe(true);
  await fake.behave({ pullError: 'pull model manifest: file does not exist' });
  await expect(engine.pullModel('none', () => undefined, noSignal)).rejects.toMatchObject({
    code: 'engine_failed',
    message: 'Ollama says: pull model manifest: file does not exist.',
  });
  await fake.behave({ pullError: null, cutPull: true });
  await expect(engine.pullModel('cut', () => undefined, noSignal)).rejects.toMatchObject({ code: 'upstream_failed' });
  await expect(engine.pullModel('../up', () => undefined, noSignal)).rejects.toMatchObject({ code: 'invalid_request' });
  await engine.removeModel('fresh:1b');
  expect(engine.hasModel('fresh:1b')).toBe(false);
  await engine.createQuantized('tiny', 'Q8_0', 'tiny-q8', () => undefined, noSignal);
  expect((await fake.state()).bodies['/api/create']).toEqual({ model: 'tiny-q8', from: 'tiny', quantize: 'q8_0' });
  await expect(engine.createQuantized('tiny', 'q2_K', 'x', () => undefined, noSignal)).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

it('F36 an adopted one that is too old is used, with a warning that names its version', async () => {
  await using fake = await FakeOllama.start();
  await fake.behave({ version: '0.11.2' });
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  expect(engine.snapshot().state).toBe('adopted');
  expect(engine.snapshot().advice[0]?.sentence).toMatch(/^Ollama 0\.11\.2 can be made to give away its memory/);
});

it('a request of its own dialect reaches it without what would reload the model', async () => {
  await using fake = await FakeOllama.start();
  const engine = ollamaRig({ settings: { url: fake.url } });
  await engine.start();
  const body = { model: 'tiny', messages: [], keep_alive: 0, options: { num_ctx: 64, temperature: 0 } };
  const response = await engine.upstream.generate(
    {
      trace: 't',
      operation: 'chat',
      model: 'tiny',
      stream: false,
      dialect: 'ollama',
      body: Buffer.from(JSON.stringify(body)),
    },
    noSignal,
  );
  response.body.destroy();
  expect(response.status).toBe(200);
  expect((await fake.state()).bodies['/api/chat']).toEqual({
    model: 'tiny',
    messages: [],
    options: { temperature: 0 },
  });
});
