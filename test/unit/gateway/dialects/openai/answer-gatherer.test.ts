import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { OpenAiAnswerGatherer } from '../../../../../electron/agent/gateway/dialects/openai/answer-gatherer.ts';
import { readWholeAnswer } from '../../../../../electron/agent/gateway/dialects/openai/whole-reader.ts';
import type { Json } from '../../../../../electron/agent/gateway/dialects/json.ts';
import { stream } from './reading.ts';

const stop = { delta: {}, finish_reason: 'stop' };
const content = (text: string): object => ({ delta: { content: text } });

function gathererOf(operation: 'chat' | 'completion'): OpenAiAnswerGatherer {
  return new OpenAiAnswerGatherer(operation, (error) => new AppError('engine_failed', JSON.stringify(error)));
}

function gather(pieces: readonly (string | Buffer)[], operation: 'chat' | 'completion' = 'chat'): Json {
  const gatherer = gathererOf(operation);
  for (const piece of pieces) {
    const bytes = Buffer.concat([Buffer.from('before'), Buffer.from(piece), Buffer.from('behind')]);
    gatherer.push(bytes, 6, bytes.length - 6);
  }
  return gatherer.end();
}

describe('OpenAiAnswerGatherer', () => {
  it('gives back all that the engine told of itself and of the answer', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 3 },
    };
    const timings = {
      cache_n: 3,
      prompt_n: 2,
      prompt_ms: 4,
      predicted_n: 2,
      predicted_ms: 8,
      predicted_per_second: 250,
    };
    const envelope = {
      id: 'x',
      created: 9,
      model: 'cow',
      system_fingerprint: 'b11434',
      object: 'chat.completion.chunk',
    };
    const chunk = (more: object): string => `data: ${JSON.stringify({ ...envelope, ...more })}\n\n`;
    const text = [
      chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }] }),
      chunk({ choices: [{ index: 0, delta: { reasoning_content: 'Let me ' }, finish_reason: null }] }),
      chunk({
        choices: [{ index: 0, delta: { reasoning_content: 'see.' }, finish_reason: null }],
        timings: { late: 1 },
      }),
      ':\n\n',
      chunk({ choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }], created: 10 }),
      chunk({ choices: [{ index: 0, delta: { content: 'lo 🐄' }, finish_reason: null }] }),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }),
      chunk({ choices: [], usage, timings }),
      'data: [DONE]\n\n',
    ].join('');
    expect(gather([text])).toEqual({
      ...envelope,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello 🐄', reasoning_content: 'Let me see.' },
          finish_reason: 'length',
        },
      ],
      usage,
      timings,
    });
  });

  it('puts calls of tools together, several at a time', () => {
    const calls = (...deltas: object[]): object => ({ delta: { tool_calls: deltas } });
    const opened = (index: number, id: string, name: string): object => {
      return { index, id, type: 'function', function: { name, arguments: '' } };
    };
    const more = (index: number, text: string): object => ({ index, function: { arguments: text } });
    const finish = { delta: {}, finish_reason: 'tool_calls' };
    const pieces = [
      calls(opened(0, 'a', 'milk')),
      calls(more(0, '{"cow"')),
      calls(more(0, ':1}'), opened(1, 'b', 'feed')),
      calls(more(1, '{}')),
      finish,
    ];
    expect(gather([stream(pieces)])).toMatchObject({
      choices: [
        {
          message: {
            content: '',
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'milk', arguments: '{"cow":1}' } },
              { id: 'b', type: 'function', function: { name: 'feed', arguments: '{}' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  it('keeps probabilities, in either form', () => {
    const entry = (token: string): object => ({ token, logprob: -0.5, bytes: [97], top_logprobs: [] });
    const newer = (token: string): object => ({ ...content(token), logprobs: { content: [entry(token)] } });
    expect(gather([stream([newer('a'), newer('b'), stop])])).toMatchObject({
      choices: [{ logprobs: { content: [entry('a'), entry('b')] } }],
    });
    const older = (token: string): object => ({ text: token, logprobs: { tokens: [token], token_logprobs: [-1] } });
    const end = { text: '', finish_reason: 'stop' };
    expect(gather([stream([older('a'), older('b'), end])], 'completion')).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'ab', logprobs: { tokens: ['a', 'b'], token_logprobs: [-1, -1] }, finish_reason: 'stop' }],
    });
  });

  it('reads the same as the answer that was not streamed, however the stream is cut', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    const call = fc.record({ id: fc.uuid(), name: fc.constantFrom('milk', 'feed'), pieces: fc.array(word) });
    const answer = fc.record({
      thoughts: fc.array(word),
      words: fc.array(word),
      calls: fc.array(call, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(answer, fc.array(fc.nat(2_000)), ({ thoughts, words, calls }, cuts) => {
        const usage = { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 };
        const finish = calls.length > 0 ? 'tool_calls' : 'stop';
        const choices = [
          ...thoughts.map((text) => ({ delta: { reasoning_content: text } })),
          ...words.map(content),
          ...calls.flatMap(({ id, name, pieces }, index) => [
            { delta: { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] } },
            ...pieces.map((text) => ({ delta: { tool_calls: [{ index, function: { arguments: text } }] } })),
          ]),
          { delta: {}, finish_reason: finish },
        ];
        const tool_calls = calls.map(({ id, name, pieces }) => {
          return { id, type: 'function', function: { name, arguments: pieces.join('') } };
        });
        const message = { content: words.join(''), reasoning_content: thoughts.join(''), tool_calls };
        const whole = { id: 'x', model: 'm', choices: [{ index: 0, message, finish_reason: finish }], usage };
        const bytes = Buffer.from(stream(choices, { usage }));
        const ends = [...new Set(cuts.filter((cut) => cut < bytes.length))].sort((a, b) => a - b);
        const pieces = [0, ...ends].map((from, index) => bytes.subarray(from, ends[index] ?? bytes.length));
        expect(readWholeAnswer('chat', gather(pieces))).toEqual(readWholeAnswer('chat', whole));
      }),
    );
  });

  it('F1 takes no stream that ends in the middle for an answer', () => {
    const text = stream([content('a')]).replace('data: [DONE]\n\n', '');
    expect(() => gather([text])).toThrow('ended in the middle');
    expect(() => gather([text, 'data: {"choi'])).toThrow('not JSON');
    expect(() => gather(['<html>'])).toThrow('ended in the middle');
    const nameless = { delta: { tool_calls: [{ index: 0, id: 'a', function: { arguments: '{}' } }] } };
    expect(() => gather([stream([nameless, stop])])).toThrow('without a name');
  });

  it('takes a stream for complete that has its end mark or a reason, if only one of them', () => {
    expect(gather([stream([content('a')])])).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(gather([stream([content('a'), stop]).replace('data: [DONE]\n\n', '')])).toMatchObject({
      choices: [{ message: { content: 'a' }, finish_reason: 'stop' }],
    });
  });

  it('tells the error that a stream ends with, and what had come until then', () => {
    const gatherer = gathererOf('chat');
    const push = (text: string): void => gatherer.push(Buffer.from(text), 0, Buffer.byteLength(text));
    push(stream([content('a'), content('b')]).replace('data: [DONE]\n\n', ''));
    expect(() => push('data: {"error":{"code":500,"message":"It fell."}}\n\n')).toThrow('It fell.');
    expect(() => gatherer.end()).toThrow('It fell.');
    expect(gatherer.pieces).toBe(2);
  });

  it('lets no name that the engine chose reach a prototype', () => {
    const evil =
      'data: {"__proto__":{"polluted":1},"choices":[{"__proto__":{"polluted":1},"delta":{"content":"a"}}]}\n\n';
    gather([evil, stream([stop])]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
