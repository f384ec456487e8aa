import { expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { ollamaDialect } from '../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import { ollamaUpstream } from '../../../electron/agent/gateway/dialects/ollama/ollama-upstream-dialect.ts';
import type { AnswerEvent } from '../../../electron/agent/gateway/dialects/query.ts';
import type { Upstream } from '../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { ConfiguredUpstreams } from '../../../electron/agent/upstreams/configured-upstreams.ts';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';

const never = new AbortController().signal;

async function readyUpstream(url: string): Promise<{ upstreams: ConfiguredUpstreams; upstream: Upstream }> {
  const upstreams = new ConfiguredUpstreams(
    { servers: [{ id: 'real', url, dialect: 'ollama', enabled: true, slots: 1 }], env: {} },
    { clock: systemClock, logger: silentLogger, isOwn: () => false },
  );
  const upstream = upstreams.list()[0];
  if (!upstream) throw new Error('no upstream');
  const changed = new Promise<void>((resolve) => {
    upstreams.changed.subscribe(() => resolve());
  });
  await upstreams.start();
  await changed;
  return { upstreams, upstream };
}

/** A body of a caller's on its way: decoded, made anew, sent. */
async function send(upstream: Upstream, path: string, body: object): Promise<WireResponse> {
  const decoded = ollamaDialect.surfaces[path]?.decode(Buffer.from(JSON.stringify(body)));
  if (!decoded) throw new Error('no surface');
  const { operation, stream, query, extras, model } = decoded;
  const encoded = Buffer.from(JSON.stringify(ollamaUpstream.encode(query, { model, stream, extras })));
  return upstream.generate({ trace: 't', operation, model, stream, dialect: 'ollama', body: encoded }, never);
}

function eventsOf({ body }: WireResponse): Promise<AnswerEvent[]> {
  return new Promise((resolve, reject) => {
    const events: AnswerEvent[] = [];
    const reader = ollamaUpstream.reader('chat', (event) => events.push(event));
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => reader.push(bytes, start, end),
      end: () => {
        reader.end();
        resolve(events);
      },
      fail: reject,
    });
  });
}

const textOf = (events: readonly AnswerEvent[]): string =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');

it(
  'a real Ollama takes what is made of a request, and its lines are understood',
  { timeout: 600_000 },
  async (context: TestContext) => {
    const program = testEngine(context, 'ollama');
    const file = testEngine(context, 'gemma');
    await using ollama = await RealOllama.start({
      program,
      folder: tempFolder(),
      env: { OLLAMA_CONTEXT_LENGTH: '256' },
    });
    await ollama.create('gemma', file);
    const { upstreams, upstream } = await readyUpstream(ollama.url);
    context.onTestFinished(() => upstreams.stop());

    const listed = upstream.describe();
    expect(listed).toMatchObject({ ready: true, sentence: 'Ready with 2 models.', defaultModel: 'gemma' });
    expect(listed.models.map(({ id }) => id)).toEqual(['gemma', 'gemma:latest']);
    expect(listed.models[0]).toMatchObject({
      capabilities: expect.arrayContaining(['chat', 'completion']) as string[],
      details: { architecture: 'gemma3', trainedContextLength: 32_768, thinks: false },
    });

    // A level of thinking would be refused by it, and num_ctx would make it load the model anew.
    const options = { num_predict: 8, temperature: 0, seed: 1, num_ctx: 128 };
    const messages = [{ role: 'user', content: 'Once upon a time', images: [] }];
    const chat = await send(upstream, '/api/chat', { model: 'gemma:latest', messages, options, think: 'low' });
    expect(chat.status).toBe(200);
    const events = await eventsOf(chat);
    expect(events[0]).toMatchObject({ kind: 'start', model: 'gemma:latest' });
    expect(events.at(-1)).toEqual({ kind: 'end' });
    expect(events.find(({ kind }) => kind === 'finish')).toMatchObject({ finish: 'length' });
    expect(events.find(({ kind }) => kind === 'usage')).toMatchObject({
      usage: { completionTokens: 8 },
      timings: { decodedTokens: 8 },
    });
    expect(textOf(events)).not.toBe('');

    const raw = await send(upstream, '/api/generate', {
      model: 'gemma',
      prompt: 'One, two, three,',
      raw: true,
      options,
    });
    expect(textOf(await eventsOf(raw))).not.toBe('');

    const format = { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] };
    const shaped = await send(upstream, '/api/chat', {
      model: 'gemma',
      messages,
      format,
      options: { ...options, num_predict: 64 },
    });
    expect(JSON.parse(textOf(await eventsOf(shaped)))).toEqual({ a: expect.any(Boolean) as boolean });

    // B49: told, and not cut.
    const long = [{ role: 'user', content: 'word '.repeat(2_000) }];
    const refused = await send(upstream, '/api/chat', { model: 'gemma', messages: long, options });
    expect(refused.status).toBe(400);
    const failure = await eventsOf(refused);
    expect(failure.at(-1)?.kind).toBe('error');
    expect(failure.map((event) => (event.kind === 'error' ? event.error.message : '')).join('')).toMatch(/context/i);
  },
);
