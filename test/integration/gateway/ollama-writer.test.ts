import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Ollama, type ChatResponse } from 'ollama';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError, toAppError, traitsOf } from '../../../electron/agent/base/errors.ts';
import { ollamaDialect } from '../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import type { AnswerEvent, EmbeddingAnswer } from '../../../electron/agent/gateway/dialects/query.ts';
import type { Decoded, InfoRequest, OfferedModel } from '../../../electron/agent/gateway/dialects/surface.ts';

/** What the server says to the next request; a number is a wait event. */
interface Script {
  readonly events: readonly AnswerEvent[];
  readonly vectors: EmbeddingAnswer['vectors'];
  readonly waits: boolean;
}

let script: Script = { events: [], vectors: [], waits: false };
let asked: Decoded | null = null;

const facts = { model: 'tiny', trace: 't', createdS: 1_767_225_600 };
const usage: AnswerEvent = {
  kind: 'usage',
  usage: { promptTokens: 5, completionTokens: 2, cachedTokens: null },
  timings: { promptMs: 10, decodeMs: 40, loadMs: null, decodedTokens: 2 },
};
const hello: readonly AnswerEvent[] = [
  { kind: 'start', id: null, model: null, promptTokens: null },
  { kind: 'reasoning', text: 'hm' },
  { kind: 'text', text: 'hel', logprobs: null },
  { kind: 'text', text: 'lo', logprobs: null },
  { kind: 'finish', finish: 'stop', stopSequence: null },
  usage,
  { kind: 'end' },
];

const tiny: OfferedModel = {
  id: 'tiny',
  upstream: { id: 'u', route: 'local' },
  sentence: null,
  standsFor: null,
  model: {
    id: 'tiny',
    contextLength: 2048,
    capabilities: ['chat', 'completion', 'tools'],
    sizeBytes: 7,
    loaded: true,
    createdAtS: 1_767_225_600,
  },
};
const info: InfoRequest = {
  models: () => [tiny],
  find: (name) => (name.replace(':latest', '') === tiny.id ? tiny : null),
  id: null,
  body: null,
  nowMs: 0,
  version: '1.2.3',
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  const body = await bodyOf(request);
  const told = ollamaDialect.info[path];
  const surface = ollamaDialect.surfaces[path];
  if (told) {
    const said = told.answer({ ...info, body });
    const isText = typeof said === 'string';
    response.writeHead(200, { 'Content-Type': isText ? 'text/plain' : 'application/json' });
    response.end(isText ? said : JSON.stringify(said));
    return;
  }
  if (!surface) throw new AppError('not_found', 'There is no such route. See the list of routes.');
  asked = surface.decode(body);
  const writer = asked.writer(facts);
  if (asked.operation === 'embedding') {
    response.end(JSON.stringify(writer.embeddings({ model: null, vectors: script.vectors, promptTokens: 3 })));
  } else if (asked.stream) {
    response.writeHead(200, { 'Content-Type': writer.streamType });
    if (script.waits) response.write(surface.waitingEvent('tiny is being loaded.'));
    for (const event of script.events) response.write(writer.write(event));
    response.end();
  } else {
    const whole = writer.whole({
      id: null,
      model: null,
      text: 'hello',
      reasoning: null,
      calls: [],
      finish: 'stop',
      stopSequence: null,
      logprobs: null,
      usage: null,
      timings: null,
    });
    response.end(JSON.stringify(whole));
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((thrown: unknown) => {
    const error = toAppError(thrown);
    response.writeHead(traitsOf(error.code).httpStatus).end(JSON.stringify(ollamaDialect.errorBody(error)));
  });
});
let client: Ollama;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  client = new Ollama({ host: `http://127.0.0.1:${port}` });
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const messages = [{ role: 'user', content: 'hello' }];

async function streamed(): Promise<ChatResponse[]> {
  const pieces: ChatResponse[] = [];
  for await (const piece of await client.chat({ model: 'tiny', messages, stream: true })) pieces.push(piece);
  return pieces;
}

describe('the real client of Ollama', () => {
  it('hears a stream, its thinking and its figures', async () => {
    script = { ...script, events: hello, waits: false };
    const pieces = await streamed();
    expect(pieces.map(({ message }) => message.content).join('')).toBe('hello');
    expect(pieces.map(({ message }) => message.thinking ?? '').join('')).toBe('hm');
    expect(pieces.at(-1)).toMatchObject({
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 5,
      eval_count: 2,
      eval_duration: 40_000_000,
    });
  });

  it('F13 passes over what it is told while it waits', async () => {
    script = { ...script, events: hello, waits: true };
    const pieces = await streamed();
    expect(pieces.map(({ message }) => message.content).join('')).toBe('hello');
  });

  it('gets calls whole, their arguments as objects', async () => {
    script = {
      ...script,
      waits: false,
      events: [
        { kind: 'call', index: 0, id: 'c', name: 'weather' },
        { kind: 'arguments', index: 0, text: '{"city":' },
        { kind: 'arguments', index: 0, text: '"Oslo"}' },
        { kind: 'finish', finish: 'tool', stopSequence: null },
        { kind: 'end' },
      ],
    };
    const calls = (await streamed()).flatMap(({ message }) => message.tool_calls ?? []);
    expect(calls).toMatchObject([{ function: { name: 'weather', arguments: { city: 'Oslo' } } }]);
  });

  it('fails with the sentence of a stream that broke', async () => {
    const error = new AppError('upstream_failed', 'The engine ended. Try again.');
    script = { ...script, events: [...hello.slice(0, 3), { kind: 'error', error }] };
    await expect(streamed()).rejects.toThrow('The engine ended. Try again.');
  });

  it('fails when a stream only stops', async () => {
    script = { ...script, events: hello.slice(0, 3) };
    await expect(streamed()).rejects.toThrow(/did not receive done/i);
  });

  it('gets whole answers, of chats and generations', async () => {
    expect((await client.chat({ model: 'tiny', messages })).message.content).toBe('hello');
    expect((await client.generate({ model: 'tiny', prompt: 'hello' })).response).toBe('hello');
    expect(asked?.query).toMatchObject({ operation: 'chat' });
    script = { ...script, events: hello };
    let text = '';
    for await (const piece of await client.generate({ model: 'tiny', prompt: 'x', stream: true }))
      text += piece.response ?? '';
    expect(text).toBe('hello');
  });

  it('loads and unloads', async () => {
    expect(await client.generate({ model: 'tiny', prompt: '' })).toMatchObject({ done: true, done_reason: 'load' });
    expect(await client.chat({ model: 'tiny', messages: [], keep_alive: 0 })).toMatchObject({ done_reason: 'unload' });
    const pieces = [];
    for await (const piece of await client.generate({ model: 'tiny', prompt: '', stream: true })) pieces.push(piece);
    expect(pieces).toMatchObject([{ done: true, done_reason: 'load' }]);
  });

  it('gets embeddings in both forms', async () => {
    script = {
      ...script,
      vectors: [
        [0.5, 1],
        [2, 3],
      ],
    };
    expect((await client.embed({ model: 'tiny', input: ['a', 'b'] })).embeddings).toEqual([
      [0.5, 1],
      [2, 3],
    ]);
    expect((await client.embeddings({ model: 'tiny', prompt: 'a' })).embedding).toEqual([0.5, 1]);
  });

  it('gets lists, details and the version', async () => {
    expect((await client.list()).models.map(({ name }) => name)).toEqual(['tiny']);
    expect((await client.ps()).models.map(({ name }) => name)).toEqual(['tiny']);
    expect((await client.version()).version).toMatch(/^0\./);
    expect((await client.show({ model: 'tiny' })).capabilities).toEqual(['completion', 'tools']);
    await expect(client.show({ model: 'other' })).rejects.toMatchObject({ status_code: 404 });
  });

  it('is told by name which field is wrong', async () => {
    const wrong = client.chat({ model: 'tiny', messages, options: { temperature: -1 } });
    await expect(wrong).rejects.toMatchObject({
      status_code: 400,
      error: expect.stringContaining('options.temperature') as string,
    });
  });

  it('sends images that are understood', async () => {
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    await client.chat({ model: 'tiny', messages: [{ role: 'user', content: 'what', images: [png] }] });
    expect([...(asked?.needs.keys() ?? [])]).toContain('vision');
  });
});
