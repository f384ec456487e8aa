import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { OpenAiUpstream } from '../../../electron/agent/inference/openai-upstream.ts';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import type { Trace } from '../../../electron/contract/trace.ts';
import { GatewayRig, parseRaw } from '../../fixtures/gateway-rig.ts';
import { HoldingUpstream } from './holding-upstream.ts';

const json = (text: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const streamOf = (...events: object[]): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}`;
const piece = { choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }] };

describe('an upstream that notices who leaves only while it streams', () => {
  let rig: GatewayRig;
  const traces: Trace[] = [];

  beforeAll(async () => {
    rig = await GatewayRig.start({
      description: { noticesInStreams: true },
      upstream: { wholeAnswerMs: 4_000, deadlines: { firstByteMs: 60_000, silenceMs: 60_000 } },
    });
    rig.traced.subscribe((trace) => traces.push(trace));
  });

  afterEach(async () => {
    await rig.fake.behave({});
    expect(await (await rig.chat()).text()).toContain('tok7');
    expect(rig.gateway.stats()).toMatchObject({ inFlight: 0, queued: 0 });
    expect((await rig.fake.idle()).active).toBe(0);
    traces.length = 0;
  });

  afterAll(() => rig[Symbol.asyncDispose]());

  it('is asked to stream, and its caller gets one whole answer', async () => {
    await rig.fake.behave({ tokens: 5, calls: [{ name: 'milk', pieces: ['{"cow"', ':1}'] }] });
    const answer = await rig.chat();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
    const text = await answer.text();
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    expect(answer.headers.get('transfer-encoding')).toBeNull();
    expect(answer.headers.get('x-ranch-upstream')).toBe('fake');
    expect(answer.headers.get('x-ranch-model')).toBe('fake-model');
    expect(answer.headers.get('x-ranch-trace')).not.toBeNull();
    expect(JSON.parse(text)).toEqual({
      id: 'chatcmpl-fake',
      object: 'chat.completion',
      created: 1767225600,
      model: 'fake-model',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'tok0 tok1 tok2 tok3 tok4 ',
            tool_calls: [{ id: 'call_0', type: 'function', function: { name: 'milk', arguments: '{"cow":1}' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    });
    expect(JSON.parse((await rig.fake.state()).lastBody)).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(traces[0]).toMatchObject({
      state: 'done',
      stream: false,
      translatedFrom: null,
      ttftMs: null,
      promptTokens: 7,
      completionTokens: 5,
    });
  });

  it('answers text completions and callers of another dialect the same', async () => {
    const completion = await rig.post('/v1/completions', { model: 'fake-model', prompt: 'Hi' });
    expect(await completion.json()).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 ', logprobs: null, finish_reason: 'stop' }],
    });
    const messages = [{ role: 'user', content: 'Hi' }];
    const ollama = await rig.post('/api/chat', { model: 'fake-model', stream: false, messages });
    expect(await ollama.json()).toMatchObject({
      done: true,
      message: { content: expect.stringContaining('tok7') as unknown },
    });
    const anthropic = await rig.post('/v1/messages', { model: 'fake-model', max_tokens: 50, messages });
    expect(await anthropic.json()).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: 8 } });
    expect((await rig.fake.state()).lastBody).toContain('"stream":true');
  });

  it('answers a caller of HTTP/1.0 without chunks', async () => {
    const body = JSON.stringify({ model: 'fake-model', messages: [{ role: 'user', content: 'x' }] });
    const head = `POST /v1/chat/completions HTTP/1.0\r\nHost: HOST\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = parseRaw(await rig.raw(head + body));
    expect(answer.head).not.toContain('chunked');
    expect(JSON.parse(answer.body)).toMatchObject({ object: 'chat.completion' });
  });

  it('may answer whole nevertheless', async () => {
    const whole = '{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"mine":1}';
    await rig.fake.behave({ fault: 'raw', raw: json(whole), closeAfter: true });
    expect(await (await rig.chat()).text()).toBe(whole);
  });

  it.each(['cut', 'cut-mid-chunk', 'bad-framing', 'drop'] as const)(
    'F1 that breaks (%s) leaves its caller an error and no half answer',
    async (fault) => {
      await rig.fake.behave({ fault, afterTokens: 3 });
      const answer = await rig.chat();
      expect(answer.status).toBe(502);
      expect(await answer.json()).toMatchObject({ error: { code: 'upstream_failed' } });
      // What had been made of it counts, though nobody got it.
      const tokens = fault === 'drop' ? null : 3;
      expect(traces[0]).toMatchObject({ state: 'failed', status: 502, completionTokens: tokens });
    },
  );

  it('F1 whose stream only stops leaves its caller an error', async () => {
    await rig.fake.behave({ fault: 'raw', raw: streamOf(piece), closeAfter: true });
    expect((await rig.chat()).status).toBe(502);
  });

  it.each([
    ['of its own', { code: 500, message: 'It fell.', type: 'server_error' }, 502, 'engine_failed'],
    ['without a status', { message: 'It fell.' }, 502, 'engine_failed'],
    ['of the request', { code: 400, message: 'It fell.', type: 'invalid_request_error' }, 400, 'invalid_request'],
    ['of too little room', { code: 503, message: 'It fell.', type: 'unavailable_error' }, 503, 'too_busy'],
    [
      'of the context',
      { code: 400, message: 'It fell.', type: 'exceed_context_size_error' },
      400,
      'context_length_exceeded',
    ],
  ])(
    'F1 that tells an error %s in the middle gives its caller that, with its status',
    async (_name, error, status, code) => {
      await rig.fake.behave({ fault: 'raw', raw: streamOf(piece, { error }), closeAfter: true });
      const answer = await rig.chat();
      expect(answer.status).toBe(status);
      expect(await answer.json()).toMatchObject({
        error: { code, message: expect.stringContaining('It fell.') as unknown },
      });
    },
  );

  it('F3 that falls silent is given up after the time of a whole answer', async () => {
    await rig.fake.behave({ fault: 'silent', afterTokens: 2 });
    const answer = await rig.chat();
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({ error: { code: 'upstream_silent' } });
  });

  it('L4 is left as soon as its caller leaves', async () => {
    const { aborted } = await rig.fake.state();
    await rig.fake.behave({ tokens: 100_000, intervalMs: 5 });
    const leaving = new AbortController();
    const answer = rig.chat({}, leaving.signal);
    while ((await rig.fake.state()).active === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    await expect(answer).rejects.toThrow();
    expect((await rig.fake.idle()).aborted).toBe(aborted + 1);
  });
});

describe('an answer that is streamed only to be given whole', () => {
  it.each([
    ['F14 may pause for 12 min', true, false],
    ['F3 is none of those whose caller hears the pause', false, true],
  ])('%s', async (_name, gathered, isBroken) => {
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
    const request: InferenceRequest = {
      trace: 't',
      operation: 'chat',
      model: 'm',
      stream: true,
      dialect: 'openai',
      body: Buffer.from('{}'),
      ...(gathered ? { gathered } : {}),
    };
    const answering = upstream.generate(request, new AbortController().signal);
    const socket = await asked.promise;
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\nHe');
    const begun = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<string>();
    (await answering).body.pipe({
      raw: () => true,
      payload: () => begun.resolve(undefined),
      end: () => ended.resolve('end'),
      fail: ({ code }) => ended.resolve(code),
    });
    await begun.promise;
    clock.advance(12 * 60_000);
    socket.write('y!');
    expect(await ended.promise).toBe(isBroken ? 'upstream_silent' : 'end');
    upstream.close();
    socket.destroy();
    engine.close();
  });
});
