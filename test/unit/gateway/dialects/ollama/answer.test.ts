import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { OllamaStreamReader } from '../../../../../electron/agent/gateway/dialects/ollama/answer-reader.ts';
import { OllamaAnswerWriter } from '../../../../../electron/agent/gateway/dialects/ollama/answer-writer.ts';
import { ollamaDialect } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import { ollamaUpstream } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-upstream-dialect.ts';
import type { Answer, AnswerEvent } from '../../../../../electron/agent/gateway/dialects/query.ts';

const facts = { model: 'm', trace: 't', createdS: 1_767_225_600 };

function read(text: string | Buffer, cuts: readonly number[] = []): AnswerEvent[] {
  const bytes = Buffer.from(text);
  const events: AnswerEvent[] = [];
  const reader = new OllamaStreamReader((event) => events.push(event));
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const stop = Math.max(at, Math.min(cut, bytes.length));
    reader.push(bytes, at, stop);
    at = stop;
  }
  reader.push(bytes, at, bytes.length);
  reader.end();
  return events;
}

function lines(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function errorOf(events: readonly AnswerEvent[]): AppError | null {
  const last = events.at(-1);
  return last?.kind === 'error' ? last.error : null;
}

describe('writing', () => {
  it('gathers the pieces of a call and gives it whole, its arguments as an object', () => {
    const writer = new OllamaAnswerWriter('chat', facts);
    const events: AnswerEvent[] = [
      { kind: 'start', id: null, model: null, promptTokens: null },
      { kind: 'call', index: 0, id: 'a', name: 'f' },
      { kind: 'arguments', index: 0, text: '{"x"' },
      { kind: 'call', index: 1, id: 'b', name: 'g' },
      { kind: 'arguments', index: 0, text: ':1}' },
      { kind: 'finish', finish: 'tool', stopSequence: null },
    ];
    expect(events.map((event) => writer.write(event)).join('')).toBe('');
    expect(lines(writer.write({ kind: 'end' }))).toMatchObject([
      {
        message: {
          tool_calls: [
            { id: 'a', function: { index: 0, name: 'f', arguments: { x: 1 } } },
            { id: 'b', function: { index: 1, name: 'g', arguments: {} } },
          ],
        },
        done: false,
      },
      { done: true, done_reason: 'stop' },
    ]);
  });

  it('leaves out a call that the limit cut, and calls any other broken one an error', () => {
    const cut = (finish: 'length' | 'tool'): unknown[] => {
      const writer = new OllamaAnswerWriter('chat', facts);
      writer.write({ kind: 'call', index: 0, id: 'a', name: 'f' });
      writer.write({ kind: 'arguments', index: 0, text: '{"x":' });
      writer.write({ kind: 'finish', finish, stopSequence: null });
      return lines(writer.write({ kind: 'end' }));
    };
    expect(cut('length')).toMatchObject([{ done: true, done_reason: 'length' }]);
    expect(cut('tool')).toEqual([{ error: expect.stringContaining('arguments that are not a JSON object') as string }]);
  });

  it('tells durations in nanoseconds by the engine’s clock, else by ours', () => {
    const usage = { promptTokens: 3, completionTokens: 2, cachedTokens: null };
    const timings = { promptMs: 1.5, decodeMs: 20, loadMs: 4, decodedTokens: 2 };
    const told = new OllamaAnswerWriter('generate', facts);
    told.write({ kind: 'usage', usage, timings });
    expect(lines(told.write({ kind: 'end' }))).toMatchObject([
      {
        response: '',
        prompt_eval_count: 3,
        eval_count: 2,
        prompt_eval_duration: 1_500_000,
        eval_duration: 20_000_000,
        load_duration: 4_000_000,
        total_duration: 25_500_000,
      },
    ]);
    let now = 5;
    const untold = new OllamaAnswerWriter('chat', { ...facts, elapsedMs: () => now });
    untold.write({ kind: 'text', text: 'a', logprobs: null });
    now = 30;
    untold.write({ kind: 'usage', usage, timings: null });
    expect(lines(untold.write({ kind: 'end' }))).toMatchObject([
      { prompt_eval_duration: 5_000_000, eval_duration: 25_000_000, total_duration: 30_000_000 },
    ]);
  });

  it('B52 a line break and an error inside a token stay one line', () => {
    const text = 'a\n{"error":"x"}\ndata: y';
    const written = new OllamaAnswerWriter('chat', facts).write({ kind: 'text', text, logprobs: null });
    expect(lines(written)).toMatchObject([{ message: { content: text } }]);
  });

  it('writes nothing after an error, and never a done', () => {
    const writer = new OllamaAnswerWriter('chat', facts);
    const error = new AppError('upstream_failed', 'It broke. Try again.');
    expect(writer.write({ kind: 'error', error })).toBe('{"error":"It broke. Try again."}\n');
    expect(writer.write({ kind: 'end' })).toBe('');
  });

  it('F13 a caller who waits gets an empty line that is not done', () => {
    for (const path of ['/api/chat', '/api/generate']) {
      const events = read(ollamaDialect.surfaces[path]?.waitingEvent('m is being loaded.') ?? '');
      expect(events.map(({ kind }) => kind)).toEqual(['start', 'error']);
    }
  });
});

describe('reading', () => {
  const piece = '{"model":"m","message":{"role":"assistant","content":"hi"},"done":false}\n';
  const last = '{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}\n';

  it('takes a last line without its end, and an older one without a reason', () => {
    expect(read(piece + last.trim()).map(({ kind }) => kind)).toEqual(['start', 'text', 'finish', 'end']);
    expect(read('{"response":"x","done":true}').map(({ kind }) => kind)).toEqual(['start', 'text', 'finish', 'end']);
  });

  it('an error line under status 200 ends the answer with its sentence', () => {
    const events = read(`${piece}{"error":"model runner has unexpectedly stopped"}\n${last}`);
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'text', 'error']);
    expect(errorOf(events)?.message).toContain('model runner has unexpectedly stopped');
    expect(errorOf(events)?.code).toBe('upstream_failed');
  });

  it('an answer without its end is an error', () => {
    expect(errorOf(read(piece))?.code).toBe('upstream_failed');
    expect(errorOf(read(''))?.code).toBe('upstream_failed');
    expect(errorOf(read(piece + last.slice(0, 30)))?.code).toBe('upstream_failed');
  });

  it('B53 HTML, a stream of another kind and a line of 10 MB are errors', () => {
    for (const text of ['<html>\n<body>', 'data: {"x":1}\n\n', '[1]\n', '3\n', 'a'.repeat(10_000_000)]) {
      const events = read(text);
      expect(events.map(({ kind }) => kind)).toEqual(['error']);
      expect(errorOf(events)?.code).toBe('upstream_failed');
    }
  });

  it('B53 nesting beyond the stack is an error and not a crash', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const call = `{"message":{"tool_calls":[{"function":{"name":"f","arguments":${deep}}}]},"done":true}`;
    expect(errorOf(read(call))?.code).toBe('upstream_failed');
  });

  it('gives a call without an id one of its own', () => {
    const call = '{"function":{"name":"f","arguments":{"a":1}}}';
    const text = `{"message":{"content":"","tool_calls":[${call},${call}]},"done":false}\n${last}`;
    const calls = read(text).filter((event) => event.kind === 'call');
    expect(calls.map(({ index, name }) => [index, name])).toEqual([
      [0, 'f'],
      [1, 'f'],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(read(text).find(({ kind }) => kind === 'finish')).toMatchObject({ finish: 'tool' });
  });

  it('completes probabilities to the form that clients of OpenAI’s dialect demand: Ollama leaves out what is empty', () => {
    const told = [
      { token: 'h', logprob: -1 },
      { token: 'i', logprob: -2, bytes: [105], top_logprobs: [{ token: 'i', logprob: -2 }] },
    ];
    const whole = [
      { token: 'h', logprob: -1, bytes: null, top_logprobs: [] },
      { token: 'i', logprob: -2, bytes: [105], top_logprobs: [{ token: 'i', logprob: -2, bytes: null }] },
    ];
    const line = { model: 'm', message: { role: 'assistant', content: 'hi' }, logprobs: told, done: true };
    expect(read(JSON.stringify(line)).find(({ kind }) => kind === 'text')).toMatchObject({ logprobs: whole });
    expect(ollamaUpstream.readWhole('chat', line).logprobs).toEqual(whole);
    expect(ollamaUpstream.readWhole('chat', { ...line, logprobs: [3] }).logprobs).toEqual([3]);
  });

  it('reads whole answers and embeddings, and refuses what is neither', () => {
    expect(
      ollamaUpstream.readWhole('chat', {
        model: 'm',
        message: { content: 'a', thinking: 'b' },
        done: true,
        done_reason: 'length',
        prompt_eval_count: 4,
        eval_count: 5,
        eval_duration: 7_000_000,
      }),
    ).toMatchObject({
      text: 'a',
      reasoning: 'b',
      finish: 'length',
      usage: { promptTokens: 4, completionTokens: 5 },
      timings: { decodeMs: 7, decodedTokens: 5, promptMs: null },
    });
    expect(ollamaUpstream.readEmbeddings({ embeddings: [[1, 2]], prompt_eval_count: 2 })).toEqual({
      model: null,
      vectors: [[1, 2]],
      promptTokens: 2,
    });
    for (const body of [{ error: 'no' }, [], 'x', { message: { content: 'a' } }]) {
      expect(() => ollamaUpstream.readWhole('chat', body)).toThrow(AppError);
      expect(() => ollamaUpstream.readEmbeddings(body)).toThrow(AppError);
    }
  });
});

const piece = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string({ minLength: 1 }), logprobs: fc.constant(null) }),
  fc.record({
    kind: fc.constant('text' as const),
    text: fc.string({ unit: 'grapheme', minLength: 1 }),
    logprobs: fc.constant([{ token: 'a', logprob: -1, bytes: null, top_logprobs: [] }]),
  }),
  fc.record({ kind: fc.constant('reasoning' as const), text: fc.string({ minLength: 1 }) }),
);
const count = fc.nat(1_000_000);
const call = fc.record({
  id: fc.string({ minLength: 1 }),
  name: fc.string(),
  args: fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  ),
});
const usage = fc.option(
  fc.record({
    promptTokens: count,
    completionTokens: count,
    promptMs: fc.option(count),
    decodeMs: fc.option(count),
    loadMs: fc.option(count),
  }),
);

function usageEvents(told: typeof usage extends fc.Arbitrary<infer T> ? T : never): AnswerEvent[] {
  if (told === null) return [];
  const { promptTokens, completionTokens, promptMs, decodeMs, loadMs } = told;
  const silent = promptMs === null && decodeMs === null && loadMs === null;
  const decodedTokens = decodeMs === null ? null : completionTokens;
  return [
    {
      kind: 'usage',
      usage: { promptTokens, completionTokens, cachedTokens: null },
      timings: silent ? null : { promptMs, decodeMs, loadMs, decodedTokens },
    },
  ];
}

describe('writing and reading', () => {
  it('give back the same answer wherever the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.array(call, { maxLength: 3 }),
        fc.constantFrom('stop', 'length', 'filter'),
        usage,
        fc.array(fc.nat(2_000), { maxLength: 8 }),
        (pieces, calls, ended, told, cuts) => {
          const finish = calls.length > 0 && ended === 'stop' ? 'tool' : ended;
          const events: AnswerEvent[] = [
            { kind: 'start', id: null, model: 'm', promptTokens: null },
            ...pieces,
            ...calls.flatMap(({ id, name, args }, index): AnswerEvent[] => [
              { kind: 'call', index, id, name },
              { kind: 'arguments', index, text: JSON.stringify(args) },
            ]),
            { kind: 'finish', finish, stopSequence: null },
            ...usageEvents(told),
            { kind: 'end' },
          ];
          const writer = new OllamaAnswerWriter('chat', facts);
          expect(read(events.map((event) => writer.write(event)).join(''), cuts)).toEqual(events);
        },
      ),
    );
  });

  it('give back the same whole answer', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.option(fc.string({ minLength: 1 })),
        fc.array(call, { maxLength: 3 }),
        (text, reasoning, calls) => {
          const answer: Answer = {
            id: null,
            model: 'm',
            text,
            reasoning,
            calls: calls.map(({ id, name, args }) => ({ id, name, argumentsText: JSON.stringify(args) })),
            finish: calls.length > 0 ? 'tool' : 'stop',
            stopSequence: null,
            logprobs: null,
            usage: { promptTokens: 1, completionTokens: 2, cachedTokens: null },
            timings: null,
          };
          const whole = JSON.parse(JSON.stringify(new OllamaAnswerWriter('chat', facts).whole(answer))) as never;
          expect(ollamaUpstream.readWhole('chat', whole)).toEqual(answer);
        },
      ),
    );
  });

  it('never throws, whatever the bytes are, and ends once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 6 }), (bytes, cuts) => {
        const events = read(Buffer.from(bytes), cuts);
        expect(events.filter(({ kind }) => kind === 'end' || kind === 'error')).toHaveLength(1);
      }),
    );
  });

  it('never throws, whatever the JSON is', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 5 }), (values) => {
        const ends = read(values.join('\n')).filter(({ kind }) => kind === 'end' || kind === 'error');
        expect(ends).toHaveLength(1);
      }),
    );
  });
});
