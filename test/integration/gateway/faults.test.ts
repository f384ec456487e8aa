import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../../electron/agent/inference/openai-upstream.ts';
import { GatewayRig, parseRaw } from '../../fixtures/gateway-rig.ts';
import { HoldingUpstream } from './holding-upstream.ts';

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

/** The `data:` payloads of an event stream. */
function events(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice(6));
}

function lastError(text: string): ErrorBody['error'] {
  return (JSON.parse(events(text).at(-1) ?? '{}') as ErrorBody).error;
}

async function errorOf(answer: Response): Promise<ErrorBody['error']> {
  return ((await answer.json()) as ErrorBody).error;
}

const html = '<html><body>Internal error at /home/user/engine.py</body></html>';
const rawAnswer = (status: number, type: string, body: string, extra = ''): string =>
  `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;

describe('an upstream that fails', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await GatewayRig.start({
      upstream: { wholeAnswerMs: 4_000, deadlines: { firstByteMs: 4_000, silenceMs: 4_000 } },
    });
  });

  // Whatever happened, nothing is left running and the next good request works.
  afterEach(async () => {
    await rig.fake.behave({});
    expect(await (await rig.chat({ stream: true })).text()).toContain('[DONE]');
    expect(rig.gateway.stats()).toMatchObject({ inFlight: 0, queued: 0 });
    expect((await rig.fake.idle()).active).toBe(0);
  });

  afterAll(() => rig[Symbol.asyncDispose]());

  it.each([
    ['between two chunks', 'cut'],
    ['in the middle of a chunk', 'cut-mid-chunk'],
    ['with broken framing', 'bad-framing'],
  ] as const)('F1 a stream that breaks %s ends with an error event and no [DONE]', async (_name, fault) => {
    await rig.fake.behave({ fault, afterTokens: 3 });
    const answer = await rig.chat({ stream: true });
    expect(answer.status).toBe(200);
    // Reads to a clean end: the error event arrives whole, in valid framing.
    const text = await answer.text();
    expect(events(text)).toHaveLength(4);
    expect(text).toContain('tok2 ');
    expect(text).not.toContain('[DONE]');
    expect(lastError(text)).toMatchObject({ code: 'upstream_failed', type: 'server_error' });
    expect(rig.gateway.activity()[0]).toMatchObject({ state: 'failed', error: 'upstream_failed', completionTokens: 3 });
  });

  it('F1 a broken stream of a response ends with an error that has its place among the events', async () => {
    await rig.fake.behave({ fault: 'cut', afterTokens: 2 });
    const answer = await rig.post('/v1/responses', { model: 'fake-model', input: 'Hello', stream: true });
    const told = events(await answer.text()).map(
      (data) => JSON.parse(data) as { type: string; sequence_number: number; message?: string },
    );
    expect(told.map(({ sequence_number: number }) => number)).toEqual(told.map((_event, index) => index));
    expect(told.at(-1)).toMatchObject({ type: 'error', code: 'upstream_failed' });
    expect(told.map(({ type }) => type)).not.toContain('response.completed');
  });

  it('F1 a break inside a chunk too large to hold back ends the connection', async () => {
    await rig.fake.behave({ fault: 'cut-mid-large-chunk', afterTokens: 1 });
    const answer = await rig.chat({ stream: true });
    await expect(answer.text()).rejects.toThrow();
  });

  it('F1 a stream of HTTP/1.0 gets its error event too', async () => {
    await rig.fake.behave({ fault: 'cut', afterTokens: 2 });
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const answer = await rig.raw(
      `POST /v1/chat/completions HTTP/1.0\r\nHost: HOST\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(lastError(answer).code).toBe('upstream_failed');
  });

  it('F3 a stream that falls silent ends with an error event after the allowed silence', async () => {
    await rig.fake.behave({ fault: 'silent', afterTokens: 2 });
    const text = await (await rig.chat({ stream: true })).text();
    expect(events(text)).toHaveLength(3);
    expect(lastError(text).code).toBe('upstream_silent');
  });

  it.each([false, true])('F3 an upstream that never answers is a 504 (stream: %s)', async (stream) => {
    await rig.fake.behave({ firstMs: 60_000 });
    const answer = await rig.chat({ stream });
    expect(answer.status).toBe(504);
    expect((await errorOf(answer)).code).toBe('upstream_silent');
  });

  it('a slow answer is no silence', async () => {
    await rig.fake.behave({ tokens: 10, intervalMs: 500 });
    expect(events(await (await rig.chat({ stream: true })).text()).at(-1)).toBe('[DONE]');
  });

  it.each(['drop', 'cut'] as const)('F1 a plain answer that breaks (%s) is a 502', async (fault) => {
    await rig.fake.behave({ fault });
    const answer = await rig.chat();
    expect(answer.status === 502 || answer.status === 200).toBe(true);
    if (answer.status === 502) expect((await errorOf(answer)).code).toBe('upstream_failed');
    // Once a byte was sent there is no status left to change: the connection breaks instead.
    else await expect(answer.text()).rejects.toThrow();
    if (fault === 'drop') expect(answer.status).toBe(502);
  });

  it.each([
    ['B53 HTML with status 200', rawAnswer(200, 'text/html', html), 502, 'upstream_failed'],
    ['B53 HTML with status 500', rawAnswer(500, 'text/html', html), 502, 'engine_failed'],
    ['B53 no HTTP at all', 'hello\r\n\r\n', 502, 'upstream_failed'],
    ['B53 an endless header', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`, 502, 'upstream_failed'],
    [
      'B53 a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      502,
      'upstream_failed',
    ],
    [
      'B54 a redirect',
      rawAnswer(302, 'text/plain', '', 'Location: http://evil.com/\r\nSet-Cookie: a=b\r\n'),
      502,
      'engine_failed',
    ],
    [
      'a compressed answer',
      rawAnswer(200, 'application/json', 'x', 'Content-Encoding: gzip\r\n'),
      502,
      'upstream_failed',
    ],
    [
      'B55 a refusal of our own key',
      rawAnswer(401, 'application/json', '{"error":{"message":"bad key engine-key"}}'),
      502,
      'engine_failed',
    ],
    ['a busy upstream', rawAnswer(503, 'application/json', '{"error":{"message":"Loading model."}}'), 503, 'too_busy'],
    [
      'a refused field',
      rawAnswer(400, 'application/json', '{"error":{"message":"Bad seed.","param":"seed"}}'),
      400,
      'invalid_request',
    ],
    [
      'B49 a prompt over the context',
      rawAnswer(400, 'application/json', '{"error":{"message":"Too long.","type":"exceed_context_size_error"}}'),
      400,
      'context_length_exceeded',
    ],
  ])('%s becomes a clear error', async (_name, raw, status, code) => {
    await rig.fake.behave({ fault: 'raw', raw, closeAfter: true });
    const answer = await rig.chat();
    expect(answer.status).toBe(status);
    const text = await answer.text();
    expect((JSON.parse(text) as ErrorBody).error.code).toBe(code);
    expect(text).not.toContain('html');
    expect(text).not.toContain('engine-key');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('location')).toBeNull();
    if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('B52 a newline and "event:" inside a token stay one event', async () => {
    await rig.fake.behave({ text: 'a\n\nevent: x\ndata: y "usage":{"prompt_tokens":99}', tokens: 2 });
    const text = await (await rig.chat({ stream: true })).text();
    expect(events(text)).toHaveLength(4);
    expect(rig.gateway.activity()[0]).toMatchObject({ completionTokens: 2, promptTokens: null });
  });

  it('F25 a kept-alive connection that has died is replaced without the caller noticing', async () => {
    await (await rig.chat()).text();
    const { started } = await rig.fake.state();
    await rig.fake.closeSockets();
    expect((await rig.chat()).status).toBe(200);
    expect((await rig.fake.state()).started).toBe(started + 1);
  });

  it('an answer ended by the end of the connection passes through', async () => {
    await rig.fake.behave({ framing: 'close' });
    expect(events(await (await rig.chat({ stream: true })).text()).at(-1)).toBe('[DONE]');
  });

  it('keeps the framing of the upstream for HTTP/1.1 and takes it off for HTTP/1.0', async () => {
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const request = (version: string): string =>
      `POST /v1/chat/completions HTTP/${version}\r\nHost: HOST\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked = parseRaw(await rig.raw(request('1.1')));
    expect(chunked.head).toContain('Transfer-Encoding: chunked');
    expect(chunked.body).toMatch(/^[0-9a-f]+\r\ndata: /);
    expect(chunked.body.endsWith('e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n')).toBe(true);
    const bare = parseRaw(await rig.raw(request('1.0')));
    expect(bare.head).not.toContain('chunked');
    expect(bare.body.startsWith('data: ')).toBe(true);
    expect(bare.body.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('a reader who stops reading pauses the upstream, and gets everything later', async () => {
    await rig.fake.behave({ tokens: 40_000, intervalMs: 0, text: 'x'.repeat(400) });
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const socket = connect(rig.port, '127.0.0.1');
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${rig.port}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'readable');
    const before = process.memoryUsage().rss;
    // Others are served meanwhile, and what is held for the one who does not read stays small.
    await rig.fake.behave({});
    for (let index = 0; index < 20; index += 1) expect((await rig.chat()).status).toBe(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    let received = 0;
    let tail = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
      tail = (tail + bytes.toString('latin1')).slice(-40);
    });
    await once(socket, 'close');
    expect(received).toBeGreaterThan(40_000 * 400);
    expect(tail).toContain('[DONE]');
  });

  it('answers requests of one packet in order, each whole, though the later ones have to wait', async () => {
    await rig.fake.behave({ tokens: 3_000, intervalMs: 0, text: 'x'.repeat(100) });
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const request = (last: boolean): string =>
      `POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\n${last ? 'Connection: close\r\n' : ''}Content-Length: ${body.length}\r\n\r\n${body}`;
    const answer = await rig.raw(request(false) + request(false) + request(true));
    const answers = answer.split('HTTP/1.1 200 OK').slice(1);
    expect(answers).toHaveLength(3);
    for (const each of answers) expect(events(each)).toHaveLength(3_002);
  });

  it('stops the upstream when the caller leaves before the first token', async () => {
    await rig.fake.behave({ firstMs: 60_000 });
    const { aborted, started } = await rig.fake.state();
    const controller = new AbortController();
    const answer = rig.chat({}, controller.signal).catch(() => 'left');
    while ((await rig.fake.state()).started === started);
    controller.abort();
    expect(await answer).toBe('left');
    expect((await rig.fake.idle()).aborted).toBe(aborted + 1);
    expect(rig.gateway.activity()[0]).toMatchObject({ state: 'aborted', reason: 'caller-gone' });
  });
});

describe('a busy gateway', () => {
  it('L3 lets the queue fill, refuses the rest at once with Retry-After, and frees places on abort', async () => {
    await using rig = await GatewayRig.start({ description: { slots: 1 }, gateway: { limits: { queueLimit: 1 } } });
    await rig.fake.behave({ tokens: 1_000_000, intervalMs: 2 });
    const running = new AbortController();
    const first = await rig.chat({ stream: true }, running.signal);
    expect(first.headers.get('x-ranch-reason')).toBe('local-idle');
    const waiting = new AbortController();
    const changed = new Promise<void>((resolve) => {
      rig.gateway.changed.subscribe(() => rig.gateway.stats().queued === 1 && resolve());
    });
    const second = rig.chat({ stream: true }, waiting.signal).catch(() => 'left');
    const poll = setInterval(() => rig.gateway.changed.announce(), 5);
    await changed;
    clearInterval(poll);
    expect(rig.gateway.stats()).toMatchObject({ inFlight: 1, queued: 1, saturation: 1, level: 'saturated' });

    // At once: those before it are where they were.
    const third = await rig.chat({ stream: true });
    expect(rig.gateway.stats()).toMatchObject({ inFlight: 1, queued: 1 });
    expect(third.status).toBe(503);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(third.headers.get('x-ranch-reason')).toBe('too-busy');
    expect((await errorOf(third)).type).toBe('server_error');
    // What can never be served is not "busy".
    expect((await rig.chat({ model: 'absent' })).status).toBe(404);

    waiting.abort();
    expect(await second).toBe('left');
    await rig.fake.behave({});
    const next = rig.chat({ stream: true });
    running.abort();
    const answer = await next;
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('[DONE]');
    expect((await rig.fake.idle()).aborted).toBe(1);
  });

  it('says so while the engine is not ready, and serves as soon as it is', async () => {
    await using rig = await GatewayRig.start({ description: { ready: false, sentence: 'The model is loading.' } });
    const answer = await rig.chat({ model: 'ranch/auto' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect((await errorOf(answer)).message).toContain('The model is loading.');
    expect(answer.headers.get('x-ranch-reason')).toBe('local-not-ready');
    rig.description = { ...rig.description, ready: true };
    expect((await rig.chat({ model: 'ranch/auto' })).status).toBe(200);
  });

  it('asks nobody to come back to an engine that stays as it is', async () => {
    const sentence = 'The engine is stopped. Start it to answer requests.';
    await using rig = await GatewayRig.start({ description: { ready: false, sentence, comesUp: false } });
    const answer = await rig.chat();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect((await errorOf(answer)).message).toBe(sentence);
  });
});

describe('closing the gateway', () => {
  it('lets a running answer finish and takes no new ones', async () => {
    await using rig = await GatewayRig.start({ gateway: { drainMs: 30_000 } });
    await rig.fake.behave({ tokens: 50, intervalMs: 5 });
    const answer = await rig.chat({ stream: true });
    const closed = rig.gateway.close();
    await expect(rig.chat()).rejects.toThrow();
    expect(events(await answer.text()).at(-1)).toBe('[DONE]');
    await closed;
  });

  it('ends what does not finish in time with an error event', async () => {
    await using rig = await GatewayRig.start({ gateway: { drainMs: 100 } });
    await rig.fake.behave({ tokens: 1_000_000, intervalMs: 5 });
    const answer = await rig.chat({ stream: true });
    const closed = rig.gateway.close();
    const text = await answer.text();
    expect(lastError(text).code).toBe('shutting_down');
    expect(text).not.toContain('[DONE]');
    await closed;
    expect((await rig.fake.idle()).aborted).toBe(1);
  });

  it('F7 a taken port is an error that names the port, and kills nothing', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const gateway = new Gateway(
      { host: '127.0.0.1', port, nodeId: 'n', drainMs: 0 },
      { upstreams: () => [], clock: systemClock, logger: silentLogger },
    );
    await expect(gateway.listen()).rejects.toMatchObject({ code: 'port_taken', context: { port, host: '127.0.0.1' } });
    expect(other.listening).toBe(true);
    other.close();
  });
});

describe('an answer that takes long', () => {
  it('F14 that is not streamed is delivered after 12 min', async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<Socket>();
    const engine = createServer((socket) => {
      socket.once('data', () => asked.resolve(socket));
    });
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    const address = engine.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const upstream = new OpenAiUpstream(
      { host: '127.0.0.1', port, name: 'The engine', apiKey: null },
      { clock, describe: () => new HoldingUpstream({}, true).describe() },
    );
    const gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'n', drainMs: 0 },
      { upstreams: () => [upstream], clock, logger: silentLogger },
    );
    const { url } = await gateway.listen();
    const answer = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'ranch/auto', messages: [{ role: 'user', content: 'x' }] }),
    });
    const socket = await asked.promise;
    clock.advance(12 * 60_000);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"late":12}');
    expect(await (await answer).json()).toEqual({ late: 12 });
    const closed = gateway.close();
    clock.advance(10_000);
    await closed;
    upstream.close();
    socket.destroy();
    engine.close();
  });
});
