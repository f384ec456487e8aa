import { describe, expect, it } from 'vitest';
import {
  readEmbeddingAnswer,
  readWholeAnswer,
} from '../../../../../electron/agent/gateway/dialects/openai/whole-reader.ts';
import { refusal } from './decoding.ts';

describe('readWholeAnswer', () => {
  it('reads a chat', () => {
    const answer = readWholeAnswer('chat', {
      id: 'x',
      model: 'm',
      choices: [
        {
          message: {
            role: 'assistant',
            content: 'Hello',
            reasoning_content: 'Hm',
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          finish_reason: 'stop',
          logprobs: { content: [{ token: 'Hello', logprob: -1 }] },
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 1 },
      timings: { prompt_ms: 1, predicted_ms: 2, predicted_n: 1 },
    });
    expect(answer).toEqual({
      id: 'x',
      model: 'm',
      text: 'Hello',
      reasoning: 'Hm',
      calls: [{ id: 'c', name: 'f', argumentsText: '{}' }],
      finish: 'tool',
      stopSequence: null,
      logprobs: [{ token: 'Hello', logprob: -1 }],
      usage: { promptTokens: 3, completionTokens: 1, cachedTokens: null },
      timings: { promptMs: 1, decodeMs: 2, loadMs: null, decodedTokens: 1 },
    });
  });

  it('reads a text completion, with the older form of probabilities', () => {
    const answer = readWholeAnswer('completion', {
      choices: [
        {
          text: 'ab',
          finish_reason: 'length',
          logprobs: { tokens: ['a', 'b'], token_logprobs: [-1, -2], top_logprobs: [{ a: -1, x: -3 }, null] },
        },
      ],
    });
    expect(answer).toMatchObject({ text: 'ab', finish: 'length', usage: null, timings: null, id: null });
    expect(answer.logprobs).toEqual([
      {
        token: 'a',
        logprob: -1,
        bytes: [97],
        top_logprobs: [
          { token: 'a', logprob: -1, bytes: [97] },
          { token: 'x', logprob: -3, bytes: [120] },
        ],
      },
      { token: 'b', logprob: -2, bytes: [98], top_logprobs: [] },
    ]);
  });

  it.each([null, 'x', [], {}, { choices: [] }, { choices: [{}] }, { choices: ['x'] }, { error: { message: 'No.' } }])(
    'B53 %j is no answer',
    (body) => {
      expect(refusal(() => readWholeAnswer('chat', body))).toMatchObject({ code: 'upstream_failed' });
    },
  );

  it('B53 a call without a name is no answer', () => {
    const message = { content: null, tool_calls: [{ id: 'c', function: {} }] };
    expect(refusal(() => readWholeAnswer('chat', { choices: [{ message }] }))).toMatchObject({
      code: 'upstream_failed',
    });
  });
});

describe('readEmbeddingAnswer', () => {
  it('reads numbers and base64, in the order of their index', () => {
    const floats = Buffer.alloc(8);
    floats.writeFloatLE(0.5, 0);
    floats.writeFloatLE(-2, 4);
    const data = [
      { index: 1, embedding: [1, 2] },
      { index: 0, embedding: floats.toString('base64') },
    ];
    expect(readEmbeddingAnswer({ model: 'm', data, usage: { prompt_tokens: 4 } })).toEqual({
      model: 'm',
      vectors: [
        [0.5, -2],
        [1, 2],
      ],
      promptTokens: 4,
    });
    expect(readEmbeddingAnswer({ data: [{ embedding: [1] }, { embedding: [2] }] }).vectors).toEqual([[1], [2]]);
  });

  it('reads the sum that the provider names', () => {
    const usage = { prompt_tokens: 4, cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } };
    expect(readEmbeddingAnswer({ data: [{ embedding: [1] }], usage })).toMatchObject({
      promptTokens: 4,
      billedUsd: 0.021,
    });
    const choices = [{ message: { content: 'a' } }];
    expect(readWholeAnswer('chat', { choices, usage }).usage).toMatchObject({ billedUsd: 0.021 });
    expect(readWholeAnswer('chat', { choices, usage: { ...usage, is_byok: false } }).usage?.billedUsd).toBe(0.001);
  });

  it.each([
    {},
    { data: [] },
    { data: [{}] },
    { data: [{ embedding: [1, 'x'] }] },
    { data: [{ index: 5, embedding: [1] }] },
    { data: [{ index: -1, embedding: [1] }] },
    {
      data: [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
    },
  ])('B53 %j has no embeddings', (body) => {
    expect(refusal(() => readEmbeddingAnswer(body))).toMatchObject({ code: 'upstream_failed' });
  });
});
