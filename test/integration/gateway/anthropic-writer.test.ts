import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ContentTooLargeError,
  GatewayTimeoutError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
} from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError, toAppError, traitsOf, type ErrorCode } from '../../../electron/agent/base/errors.ts';
import { anthropic } from '../../../electron/agent/gateway/dialects/anthropic/anthropic-dialect.ts';
import { anthropicUpstream } from '../../../electron/agent/gateway/dialects/anthropic/anthropic-upstream-dialect.ts';
import type { Json } from '../../../electron/agent/gateway/dialects/json.ts';
import type { Decoded, InfoRequest, Surface } from '../../../electron/agent/gateway/dialects/surface.ts';
import { FakeAnthropic } from '../../fakes/fake-anthropic-process.ts';

/**
 * The provider's own client before both sides of the dialect: its request is read, asked anew of an upstream that is a
 * process of its own, and the answer is read and written again, event by event.
 */

interface Script {
  /** Instead of an answer, for so many requests. */
  readonly error: { readonly code: ErrorCode; readonly times: number; readonly headers: Record<string, string> } | null;
  /** Sent before anything else of a stream. */
  readonly before: string;
  /** The stream ends after `before` and half an event of another's, as when an upstream dies. */
  readonly breaks: boolean;
}

const nothing: Script = { error: null, before: '', breaks: false };
const facts = { model: 'tiny', trace: 'T', createdS: 1_767_225_600 };
const tools: Anthropic.Tool[] = [
  { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } },
];
const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Hello' }];
const ask = { model: 'tiny', max_tokens: 100, messages };

/** The client's types no longer have this, programs do. */
const sampling = { temperature: 0.5 };
const tooHot = { temperature: 7 };

const auto = { id: 'ranch/auto', upstream: null, sentence: 'Whatever starts first.', standsFor: null, model: null };
const info: InfoRequest = {
  models: () => [auto],
  find: (name) => (name === auto.id ? auto : null),
  id: null,
  body: null,
  nowMs: 0,
  version: '1',
};

let fake: FakeAnthropic;
let script = nothing;
/** When requests came, milliseconds. */
let attempts: number[] = [];
let asked: Decoded | null = null;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const body = await bodyOf(request);
  attempts.push(performance.now());
  const { error } = script;
  if (error && attempts.length <= error.times) throw new AppError(error.code, 'A sentence.');
  const { counting } = anthropic;
  if (path.startsWith('/v1/models/')) {
    const one = anthropic.info['/v1/models/']?.answer({ ...info, id: decodeURIComponent(path.slice(11)) });
    sendJson(response, one);
  } else if (path === '/v1/models') sendJson(response, anthropic.info[path]?.answer(info));
  else if (counting?.path === path) {
    asked = counting.surface.decode(body);
    sendJson(response, counting.answer(12));
  } else await pass(anthropic.surfaces[path], body, response);
}

function sendJson(response: ServerResponse, body: object | string | undefined, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json', ...script.error?.headers });
  response.end(JSON.stringify(body));
}

async function pass(surface: Surface | undefined, body: Buffer, response: ServerResponse): Promise<void> {
  if (!surface) throw new AppError('not_found', 'There is no such route. See the list of routes.');
  const decoded = surface.decode(body);
  asked = decoded;
  const { stream, extras, query } = decoded;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const upstream = await fetch(`${fake.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify(anthropicUpstream.encode(query, { model: 'claude', stream, extras })),
    signal: gone.signal,
  });
  if (!upstream.ok) throw new AppError('upstream_failed', await upstream.text());
  const writer = decoded.writer(facts);
  if (!stream) {
    sendJson(response, writer.whole(anthropicUpstream.readWhole('chat', (await upstream.json()) as Json)));
    return;
  }
  response.writeHead(200, { 'content-type': writer.streamType });
  response.write(script.before);
  if (script.breaks) {
    response.write('event: content_block_delta\ndata: {"type":"cont');
    response.end(surface.errorEvent(new AppError('upstream_failed', 'It broke.')));
    return;
  }
  const reader = anthropicUpstream.reader('chat', (event) => response.write(writer.write(event)));
  try {
    for await (const piece of upstream.body ?? []) {
      const bytes = Buffer.from(piece as Uint8Array);
      reader.push(bytes, 0, bytes.length);
    }
  } catch {
    // Cut: the end says so.
  }
  reader.end();
  response.end();
}

const server = createServer((request, response) => {
  answer(request, response).catch((thrown: unknown) => {
    if (response.destroyed) return;
    const error = toAppError(thrown);
    const status = anthropic.errorStatus(error) ?? traitsOf(error.code).httpStatus;
    sendJson(response, anthropic.errorBody(error), status);
  });
});

describe("the provider's own client, through both sides of the dialect", () => {
  let client: Anthropic;

  beforeAll(async () => {
    fake = await FakeAnthropic.start();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    client = new Anthropic({ baseURL: `http://127.0.0.1:${port}`, apiKey: 'any', maxRetries: 0 });
  });

  beforeEach(async () => {
    script = nothing;
    attempts = [];
    await fake.behave({});
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await fake[Symbol.asyncDispose]();
  });

  it('gets a plain answer with its counts', async () => {
    await fake.behave({ tokens: 2, cacheRead: 5, cacheWritten: 1 });
    const message = await client.messages.create({ ...ask, ...sampling, system: 'Be brief.' });
    expect(message.content).toEqual([{ type: 'text', text: 'tok0 tok1 ' }]);
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage).toMatchObject({
      input_tokens: 7,
      output_tokens: 2,
      cache_read_input_tokens: 5,
      cache_creation_input_tokens: 1,
    });
    const { requests } = await fake.state();
    expect(JSON.parse(requests.at(-1)?.body ?? '')).toMatchObject({
      model: 'claude',
      max_tokens: 100,
      system: 'Be brief.',
      temperature: 0.5,
    });
  });

  it('streams text, thinking and two calls, pings between', async () => {
    await fake.behave({
      thinking: ['let me ', 'see'],
      tokens: 3,
      calls: [
        { name: 'weather', pieces: ['{"city"', ': "Li', 'ma"}'] },
        { name: 'weather', pieces: [] },
      ],
      pings: 2,
      cacheRead: 9,
    });
    const stream = client.messages.stream({ ...ask, tools, thinking: { type: 'adaptive' } });
    const seen = { text: '', thinking: '', json: '' };
    stream.on('text', (text) => (seen.text += text));
    stream.on('thinking', (text) => (seen.thinking += text));
    stream.on('inputJson', (text) => (seen.json += text));
    const message = await stream.finalMessage();
    expect(seen).toEqual({ text: 'tok0 tok1 tok2 ', thinking: 'let me see', json: '{"city": "Lima"}{}' });
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'let me see' },
      { type: 'text', text: 'tok0 tok1 tok2 ' },
      { type: 'tool_use', name: 'weather', input: { city: 'Lima' } },
      { type: 'tool_use', name: 'weather', input: {} },
    ]);
    expect(message.stop_reason).toBe('tool_use');
    expect(message.usage).toMatchObject({ input_tokens: 7, cache_read_input_tokens: 9, output_tokens: 8 });
  });

  it('goes on with the results of its tools, which the upstream takes', async () => {
    await fake.behave({ calls: [{ name: 'weather', pieces: ['{}'] }], thinking: ['hm'] });
    const first = await client.messages.create({ ...ask, tools });
    await fake.behave({ tokens: 1 });
    const results = first.content.flatMap((block): Anthropic.ToolResultBlockParam[] =>
      block.type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: block.id, content: 'sunny' }] : [],
    );
    const second = await client.messages.create({
      ...ask,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'text', text: 'And?' }, ...results] },
      ],
    });
    expect(second.content).toEqual([{ type: 'text', text: 'tok0 ' }]);
  });

  it('waits through pings that come before the message, and reads only what comes after', async () => {
    const waiting = anthropic.surfaces['/v1/messages']?.waitingEvent('waiting for a place') ?? '';
    script = { ...nothing, before: waiting + waiting };
    const stream = await client.messages.create({ ...ask, stream: true });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types[0]).toBe('message_start');
    expect(types.at(-1)).toBe('message_stop');
  });

  it('tells the sequence that stopped it', async () => {
    await fake.behave({ stopReason: 'stop_sequence', stopSequence: 'END' });
    const message = await client.messages.stream({ ...ask, stop_sequences: ['END'] }).finalMessage();
    expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' });
  });

  it('reads JSON by a schema', async () => {
    await fake.behave({ tokens: 1, text: '{"ok":true}' });
    const format = {
      type: 'json_schema' as const,
      schema: { type: 'object', properties: { ok: { type: 'boolean' } } },
    };
    const message = await client.messages.parse({ ...ask, output_config: { format } });
    expect(message.parsed_output).toEqual({ ok: true });
  });

  it('counts tokens, lists models and speaks of betas', async () => {
    expect(await client.messages.countTokens({ model: 'tiny', messages, tools })).toEqual({ input_tokens: 12 });
    const listed = await client.models.list();
    expect(listed.data.map((model) => model.id)).toEqual(['ranch/auto']);
    expect(await client.models.retrieve('ranch/auto')).toMatchObject({ id: 'ranch/auto', type: 'model' });
    await expect(client.models.retrieve('absent')).rejects.toBeInstanceOf(NotFoundError);
    const message = await client.beta.messages.create({
      ...ask,
      betas: ['context-management-2025-06-27'],
      context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
    });
    expect(message.content).toHaveLength(1);
    expect(asked?.ignored).toEqual(['context_management']);
  });

  it.each([
    ['invalid_request', BadRequestError, 'invalid_request_error'],
    ['context_length_exceeded', BadRequestError, 'invalid_request_error'],
    ['unauthorized', AuthenticationError, 'authentication_error'],
    ['forbidden', PermissionDeniedError, 'permission_error'],
    ['model_not_found', NotFoundError, 'not_found_error'],
    ['payload_too_large', ContentTooLargeError, 'request_too_large'],
    ['key_limit', RateLimitError, 'rate_limit_error'],
    ['too_busy', ServiceUnavailableError, 'overloaded_error'],
    ['upstream_silent', GatewayTimeoutError, 'timeout_error'],
    ['upstream_failed', InternalServerError, 'api_error'],
    ['internal', InternalServerError, 'api_error'],
  ] as const)('gets the right class of error for %s', async (code, expected, type) => {
    script = { ...nothing, error: { code, times: 1, headers: {} } };
    const error: unknown = await client.messages.create(ask).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(expected);
    expect(error).toMatchObject({ type, errorCode: code });
  });

  it.each(['too_busy', 'key_limit', 'upstream_failed'] as const)(
    'asks again after %s, when it is told to',
    async (code) => {
      script = { ...nothing, error: { code, times: 1, headers: { 'retry-after': '1' } } };
      await client.messages.create(ask, { maxRetries: 2 });
      expect(attempts).toHaveLength(2);
      // By itself it waits for half a second.
      expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThan(900);
    },
  );

  it('does not ask again after a refusal', async () => {
    const refused = client.messages.create({ ...ask, ...tooHot }, { maxRetries: 2 });
    await expect(refused).rejects.toMatchObject({ status: 400, details: { param: 'temperature' } });
    expect(attempts).toHaveLength(1);
  });

  it.each([
    ['an error in the stream', { fault: 'error-event', afterTokens: 2 }, 'overloaded_error'],
    ['a stream that is cut inside an event', { fault: 'cut', afterTokens: 2 }, 'api_error'],
  ] as const)('F26 gets an error and never an end for %s', async (_what, behaviour, type) => {
    await fake.behave(behaviour);
    const stream = client.messages.stream(ask);
    let text = '';
    stream.on('text', (said) => (text += said));
    const error: unknown = await stream.finalMessage().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ type });
    expect(text).toBe('tok0 tok1 ');
  });

  it('F26 gets the error even where bytes broke off inside an event', async () => {
    script = { ...nothing, breaks: true };
    const error: unknown = await client.messages
      .stream(ask)
      .finalMessage()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ type: 'api_error', apiMessage: 'It broke.' });
  });

  it('stops the work when it goes away', async () => {
    const before = await fake.idle();
    await fake.behave({ tokens: 100_000, intervalMs: 5 });
    const stream = client.messages.stream(ask);
    stream.once('text', () => stream.abort());
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(APIUserAbortError);
    const after = await fake.idle();
    expect(after.aborted).toBe(before.aborted + 1);
  });
});
