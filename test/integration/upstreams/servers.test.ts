import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { Logger } from '../../../electron/agent/base/logger.ts';
import { settingsSchema } from '../../../electron/agent/config/settings.ts';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { ConfiguredUpstreams } from '../../../electron/agent/upstreams/configured-upstreams.ts';
import type { ServerSettings } from '../../../electron/agent/upstreams/server-settings.ts';
import { FakeOllama } from '../../fakes/fake-ollama-process.ts';
import { FakeOpenAi } from '../../fakes/fake-openai-process.ts';
import { AnsweringServer } from './answering-server.ts';

const key = 'sk-very-secret-0123456789';
const never = new AbortController().signal;

interface Rig extends AsyncDisposable {
  readonly upstreams: ConfiguredUpstreams;
  readonly upstream: Upstream;
  /** Resolves when the description fits. */
  until(fits: (description: UpstreamDescription) => boolean): Promise<UpstreamDescription>;
}

interface RigOptions {
  readonly clock?: ManualClock;
  readonly logger?: Logger;
  readonly isOwn?: (host: string, port: number) => boolean;
  readonly ca?: readonly string[];
}

async function rigOf(settings: Partial<ServerSettings> & { url: string }, options: RigOptions = {}): Promise<Rig> {
  const server: ServerSettings = { id: 'other', dialect: 'openai', enabled: true, slots: 3, ...settings };
  const upstreams = new ConfiguredUpstreams(
    { servers: [server], env: { OTHER_KEY: key }, ...(options.ca ? { trust: { ca: options.ca } } : {}) },
    {
      clock: options.clock ?? systemClock,
      logger: options.logger ?? silentLogger,
      isOwn: options.isOwn ?? (() => false),
      random: () => 0.5,
    },
  );
  const upstream = upstreams.list()[0];
  if (!upstream) throw new Error('no upstream');
  const until: Rig['until'] = (fits) =>
    new Promise((resolve) => {
      const look = (): void => {
        const description = upstream.describe();
        if (!fits(description)) return;
        unsubscribe();
        resolve(description);
      };
      const unsubscribe = upstreams.changed.subscribe(look);
      look();
    });
  await upstreams.start();
  return { upstreams, upstream, until, [Symbol.asyncDispose]: () => upstreams.stop() };
}

const isReady = ({ ready }: UpstreamDescription): boolean => ready;
const isDown = ({ ready, comesUp }: UpstreamDescription): boolean => !ready && comesUp === false;

function chat(more: Partial<InferenceRequest> = {}, body: object = {}): InferenceRequest {
  const { stream = false } = more;
  const full = { model: 'fake-model', messages: [{ role: 'user', content: 'x' }], stream, ...body };
  return {
    trace: 't',
    operation: 'chat',
    model: 'fake-model',
    stream,
    dialect: 'openai',
    body: Buffer.from(JSON.stringify(full)),
    ...more,
  };
}

function textOf({ body }: WireResponse): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => (text += bytes.toString('utf8', start, end)),
      end: () => resolve(text),
      fail: reject,
    });
  });
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error('it did not fail as expected', { cause: thrown });
}

describe('a server of the OpenAI dialect', () => {
  it('is asked for its models, and then answers like any engine', async () => {
    await using fake = await FakeOpenAi.start();
    await using rig = await rigOf({ url: `http://127.0.0.1:${fake.port}/v1`, keyEnv: 'OTHER_KEY' });
    const description = await rig.until(isReady);
    expect(description).toMatchObject({
      id: 'other',
      route: 'local',
      dialects: ['openai'],
      operations: ['chat', 'completion', 'embedding'],
      models: [{ id: 'fake-model', contextLength: 4096, capabilities: ['chat', 'completion', 'tools', 'json'] }],
      defaultModel: 'fake-model',
      slots: 3,
    });
    expect(description.sentence).toContain('assumed');
    expect(description.takesReceived).toBeUndefined();
    const response = await rig.upstream.generate(chat({ hops: ['a', 'b'] }), never);
    expect(response.status).toBe(200);
    expect(await textOf(response)).toContain('tok0');
    const { lastHead } = await fake.state();
    expect(lastHead).toMatch(/^POST \/v1\/chat\/completions /);
    expect(lastHead).toContain(`Authorization: Bearer ${key}`);
    expect(lastHead).toContain('x-ranch-hops: a, b');
  });

  it.each([
    ['as many as it tells', 200, '{"total_slots":7}', {}, 7],
    ['one where it has no such route', 404, '{}', {}, 1],
    ['one where it refuses to tell', 401, '{}', {}, 1],
    ['one where it answers something else', 200, '<html>', {}, 1],
    ['what the settings say, unasked', 200, '{"total_slots":7}', { slots: 2 }, 2],
    [
      'four where it has a price, unasked',
      200,
      '{"total_slots":7}',
      { price: { inputUsd: 3, outputUsd: 15, cachedInputUsd: null } },
      4,
    ],
  ])('works on several requests at once: %s', async (_name, status, props, settings, slots) => {
    await using server = await AnsweringServer.start(({ path }) =>
      path === '/props'
        ? { status, body: props }
        : { status: 200, body: '{"object":"list","data":[{"id":"m","object":"model"}]}' },
    );
    await using rig = await rigOf({ url: server.url, slots: undefined, ...settings });
    expect((await rig.until(isReady)).slots).toBe(slots);
    const asked = server.requests.some(({ path }) => path === '/props');
    expect(asked).toBe(Object.keys(settings).length === 0);
  });

  it('keeps the slots that it was told while /props fails for a while, and learns others', async () => {
    const clock = new ManualClock();
    let round = { id: 'first', status: 200, props: '{"total_slots":3}' };
    await using server = await AnsweringServer.start(({ path }) =>
      path === '/props'
        ? { status: round.status, body: round.props }
        : { status: 200, body: JSON.stringify({ object: 'list', data: [{ id: round.id }] }) },
    );
    await using rig = await rigOf({ url: server.url, slots: undefined }, { clock });
    const asked = ({ models }: UpstreamDescription): boolean => models[0]?.id === round.id;
    expect((await rig.until(asked)).slots).toBe(3);
    round = { id: 'second', status: 500, props: '' };
    clock.advance(60_000);
    expect((await rig.until(asked)).slots).toBe(3);
    round = { id: 'third', status: 200, props: '{"total_slots":5}' };
    clock.advance(60_000);
    expect((await rig.until(asked)).slots).toBe(5);
  });

  it('streams, and an abort ends its work', async () => {
    await using fake = await FakeOpenAi.start();
    await fake.behave({ tokens: 100_000, intervalMs: 1 });
    await using rig = await rigOf({ url: `http://127.0.0.1:${fake.port}` });
    await rig.until(isReady);
    const caller = new AbortController();
    const response = await rig.upstream.generate(chat({ stream: true }), caller.signal);
    await new Promise<void>((resolve) => {
      response.body.pipe({
        raw: () => true,
        payload: () => resolve(),
        end: () => undefined,
        fail: () => undefined,
      });
    });
    caller.abort();
    expect((await fake.idle()).aborted).toBe(1);
  });

  it('is down while it cannot be reached, is asked again by itself, and is back', async () => {
    const clock = new ManualClock();
    const fake = await FakeOpenAi.start();
    await using rig = await rigOf({ url: `http://127.0.0.1:${fake.port}` }, { clock });
    await rig.until(isReady);
    await fake.behave({ fault: 'drop' });
    const failure = await failureOf(rig.upstream.generate(chat(), never));
    expect(failure.code).toBe('upstream_failed');
    clock.advance(0);
    const down = await rig.until(isDown);
    expect(down.sentence).toContain('The server other');
    expect((await failureOf(rig.upstream.generate(chat(), never))).code).toBe('engine_not_ready');
    await fake.behave({});
    clock.advance(1_000);
    expect((await rig.until(isReady)).models).toHaveLength(1);
    await fake[Symbol.asyncDispose]();
  });
});

describe('a server of the Ollama dialect', () => {
  it('tells what its models can do, and gets nothing that would reload them', async () => {
    await using fake = await FakeOllama.start();
    await using rig = await rigOf({ url: fake.url, dialect: 'ollama' });
    const description = await rig.until(isReady);
    expect(description.models.map(({ id }) => id)).toEqual(['tiny', 'tiny:latest', 'other:8b-q8_0']);
    expect(description.models[0]).toMatchObject({
      loaded: false,
      capabilities: ['chat', 'completion', 'json', 'logprobs', 'tools'],
      details: { architecture: 'llama', trainedContextLength: 131_072, thinks: false },
    });
    expect(description.sentence).toBe('Ready with 3 models.');
    const options = { num_ctx: 8, temperature: 1 };
    const asked = chat({ dialect: 'ollama', model: 'tiny' }, { model: 'tiny', think: true, keep_alive: 0, options });
    await textOf(await rig.upstream.generate(asked, never));
    const { bodies } = await fake.state();
    expect(bodies['/api/chat']).toEqual({
      model: 'tiny',
      messages: [{ role: 'user', content: 'x' }],
      stream: false,
      options: { temperature: 1 },
    });
  });

  it('asks once for the details of a model, and for the list every minute', async () => {
    const clock = new ManualClock();
    await using fake = await FakeOllama.start();
    await using rig = await rigOf({ url: fake.url, dialect: 'ollama' }, { clock });
    await rig.until(isReady);
    await fake.behave({ library: ['tiny:latest'] });
    clock.advance(60_000);
    await rig.until(({ models }) => models.length === 2);
    const { requests } = await fake.state();
    expect(requests['GET /api/tags']).toBe(2);
    expect(requests['POST /api/show']).toBe(2);
  });
});

describe('a provider', () => {
  const price = { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 };
  const models = [{ id: 'big', contextLength: 200_000, capabilities: ['chat', 'tools'] as const }];

  it('is cloud by its price, and is never asked when the settings name its models', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 500, body: '' }));
    await using rig = await rigOf({ url: server.url, dialect: 'anthropic', price, models, keyEnv: 'OTHER_KEY' });
    expect(await rig.until(isReady)).toMatchObject({
      route: 'cloud',
      takesReceived: true,
      operations: ['chat'],
      defaultModel: 'big',
      models: [{ id: 'big', contextLength: 200_000, price }],
    });
    expect(server.requests).toEqual([]);
  });

  it('gets its own key header and the beta headers, and nothing of the ranch', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: '{}' }));
    await using rig = await rigOf({ url: server.url, dialect: 'anthropic', price, models, keyEnv: 'OTHER_KEY' });
    await rig.until(isReady);
    const headers = { 'anthropic-beta': 'a,b', cookie: 'x', 'x-other': 'y' };
    await textOf(await rig.upstream.generate(chat({ dialect: 'anthropic', headers, hops: ['n'] }), never));
    expect(server.requests[0]?.path).toBe('/v1/messages');
    const sent = server.requests[0]?.headers ?? {};
    expect(Object.keys(sent).sort()).toEqual([
      'anthropic-beta',
      'anthropic-version',
      'content-length',
      'content-type',
      'host',
      'x-api-key',
    ]);
    expect(sent['x-api-key']).toBe(key);
  });

  it('is asked for its list once an hour otherwise, with its key', async () => {
    const clock = new ManualClock();
    await using server = await AnsweringServer.start(() => ({ status: 200, body: '{"data":[{"id":"big"}]}' }));
    await using rig = await rigOf({ url: server.url, price, keyEnv: 'OTHER_KEY' }, { clock });
    await rig.until(isReady);
    clock.advance(3_599_999);
    expect(server.requests).toHaveLength(1);
    const again = once(server.events, 'request');
    clock.advance(1);
    await again;
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${key}`, `Bearer ${key}`]);
  });
});

describe('hostile servers', () => {
  const list = '{"data":[{"id":"fake-model"}]}';

  it('B53 a page instead of a list is told, and not passed on', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: '<html>Welcome</html>' }));
    await using rig = await rigOf({ url: server.url });
    const { sentence } = await rig.until(isDown);
    expect(sentence).toContain('not JSON');
    expect(sentence).not.toContain('Welcome');
  });

  it('B53 a list without an end is given up', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: `["${'x'.repeat(9_000_000)}"]` }));
    await using rig = await rigOf({ url: server.url });
    expect((await rig.until(isDown)).sentence).toContain('no end');
  });

  it('B54 a redirect is not followed, neither for the list nor for a request, and the key goes nowhere else', async () => {
    await using target = await AnsweringServer.start(() => ({ status: 200, body: list }));
    const location = { Location: `${target.url}/v1/models` };
    let redirects = true;
    await using server = await AnsweringServer.start(({ method }) =>
      redirects || method === 'POST' ? { status: 307, headers: location, body: '' } : { status: 200, body: list },
    );
    const clock = new ManualClock();
    await using rig = await rigOf({ url: server.url, keyEnv: 'OTHER_KEY' }, { clock });
    expect((await rig.until(isDown)).sentence).toContain('another address');
    redirects = false;
    clock.advance(1_000);
    await rig.until(isReady);
    const failure = await failureOf(rig.upstream.generate(chat(), never));
    expect(failure.code).toBe('upstream_failed');
    expect(failure.message).toContain('another address');
    expect(target.requests).toEqual([]);
  });

  it('B54 cookies and other headers of an answer stay behind', async () => {
    await using server = await AnsweringServer.start(({ method }) =>
      method === 'GET'
        ? { status: 200, body: list }
        : { status: 200, body: '{}', headers: { 'Set-Cookie': 'a=b', 'X-Own': '1', 'Retry-After': '3', Server: 'x' } },
    );
    await using rig = await rigOf({ url: server.url });
    await rig.until(isReady);
    const { headers } = await rig.upstream.generate(chat(), never);
    expect([...headers.keys()].sort()).toEqual(['content-type', 'retry-after']);
  });

  it('B55 an error that repeats the key does not get out, whole or in a stream, nor into the log', async () => {
    const logged: string[] = [];
    const log = (fields: object, message: string): void => void logged.push(JSON.stringify(fields) + message);
    const logger = { debug: log, info: log, warn: log, error: log };
    let refused = false;
    await using server = await AnsweringServer.start(({ method, body }) => {
      if (method === 'GET') return refused ? { status: 401, body: `bad key ${key}` } : { status: 200, body: list };
      const isStream = body.includes('"stream":true');
      const again = `${key.replaceAll('-', '\\u002D')} and ${key.replaceAll('-', '%2d')}`;
      return { status: isStream ? 200 : 400, body: `{"error":{"message":"Your key ${key} and ${again} again"}}` };
    });
    const clock = new ManualClock();
    await using rig = await rigOf({ url: server.url, keyEnv: 'OTHER_KEY' }, { clock, logger });
    await rig.until(isReady);
    for (const stream of [false, true]) {
      const text = await textOf(await rig.upstream.generate(chat({ stream }), never));
      expect(text).toContain('Your key *');
      const told: unknown = JSON.parse(text);
      expect(text + decodeURIComponent(JSON.stringify(told))).not.toContain(key);
    }
    refused = true;
    clock.advance(60_000);
    const { sentence } = await rig.until(isDown);
    expect(sentence).toContain('refused its key');
    expect(sentence + logged.join('')).not.toContain(key);
    expect(logged.length).toBeGreaterThan(0);
  });

  it('B55 a key that is missing is told by its place, and the server is not asked without it', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: list }));
    await using rig = await rigOf({ url: server.url, keyEnv: 'ABSENT_KEY' });
    expect((await rig.until(isDown)).sentence).toContain('ABSENT_KEY');
    expect(server.requests).toEqual([]);
  });
});

describe('addresses', () => {
  it('B64 the settings refuse plain http to a remote host, a password in an address, and files', () => {
    const refused = [
      'http://api.example.com',
      'http://8.8.8.8:8000',
      'https://user:pass@api.example.com',
      'file:///etc/passwd',
      'ftp://10.0.0.1',
      'https://api.example.com/?key=x',
    ];
    for (const url of refused) {
      expect(settingsSchema.safeParse({ upstreams: [{ id: 'a', url }] }).success, url).toBe(false);
    }
    const urls = ['https://api.example.com', 'http://127.0.0.1:8000', 'http://192.168.1.5:11434'];
    const servers: readonly ServerSettings[] = settingsSchema.parse({
      upstreams: urls.map((url, at) => ({ id: `a${at}`, url })),
    }).upstreams;
    expect(servers.map(({ url }) => url)).toEqual(urls);
  });

  it('B65 our own gateway is not asked at all', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: '{"data":[]}' }));
    await using rig = await rigOf(
      { url: server.url },
      { isOwn: (host, port) => host === '127.0.0.1' && port === server.port },
    );
    expect((await rig.until(isDown)).sentence).toContain('own gateway');
    expect(server.requests).toEqual([]);
  });

  it('B65 the gateway of another node is recognised by its headers, when it lists and when it answers', async () => {
    const ranch = { 'X-Ranch-Node': 'bessie' };
    let lists = true;
    await using server = await AnsweringServer.start(({ method }) => ({
      status: 200,
      body: '{"data":[{"id":"fake-model"}]}',
      ...(lists || method === 'POST' ? { headers: ranch } : {}),
    }));
    const clock = new ManualClock();
    await using rig = await rigOf({ url: server.url }, { clock });
    expect((await rig.until(isDown)).sentence).toContain('gateway of a ranch');
    lists = false;
    clock.advance(1_000);
    await rig.until(isReady);
    expect((await failureOf(rig.upstream.generate(chat(), never))).message).toContain('gateway of a ranch');
    expect(rig.upstream.describe().ready).toBe(false);
  });
});

describe('a server that says whose turn it is before it reads the prompt', () => {
  const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n';
  const word = 'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n';

  /** Answers chats with the role, and with a word when it is told to; one answer at a time. */
  async function speaking() {
    const answers = new EventEmitter();
    const server = createServer((request, response) => {
      request.resume();
      if (request.method === 'GET') {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ object: 'list', data: [{ id: 'big', max_model_len: 65_536 }] }));
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(role);
      answers.emit('answer', response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return {
      url: `http://127.0.0.1:${port}`,
      answers,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    };
  }

  it.each([
    ['has as long as a slow one may take', {}, 590_000, null],
    ['has longer for a long prompt', { messages: [{ role: 'user', content: 'x'.repeat(40 * 1024) }] }, 1_300_000, null],
    ['is given up in the end', {}, 610_000, 'upstream_silent'],
  ] as const)('F4 %s', async (_name, fields, waitsMs, failure) => {
    const clock = new ManualClock();
    await using server = await speaking();
    await using rig = await rigOf({ url: server.url }, { clock });
    await rig.until(isReady);
    const answered = once(server.answers, 'answer') as Promise<[ServerResponse]>;
    const { body } = await rig.upstream.generate(chat({ model: 'big', stream: true }, fields), never);
    const [response] = await answered;
    const heard: string[] = [];
    const events = new EventEmitter();
    const note = (text: string): void => {
      heard.push(text);
      events.emit('heard');
    };
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => note(bytes.toString('utf8', start, end)),
      end: () => note('end'),
      fail: (error) => note(error.code),
    });
    if (heard.length === 0) await once(events, 'heard');
    clock.advance(waitsMs);
    expect(heard.slice(1)).toEqual(failure === null ? [] : [failure]);
    if (failure !== null) return;
    response.write(word);
    await once(events, 'heard');
    // From here on silence is silence.
    clock.advance(121_000);
    expect(heard.slice(1)).toEqual([word, 'upstream_silent']);
  });
});
