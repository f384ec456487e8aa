import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { errorBody } from '../../../../../electron/agent/engines/embedded/child/answers.ts';
import {
  readChatRequest,
  readCompletionRequest,
  readEmbeddingRequest,
} from '../../../../../electron/agent/engines/embedded/child/request.ts';

const messages = [{ role: 'user', content: 'hi' }];

describe('readChatRequest', () => {
  it('reads fields and fills in defaults', () => {
    const request = readChatRequest({
      model: 'm',
      messages: [
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'assistant', content: null },
      ],
      stream: true,
      stream_options: { include_usage: true },
      stop: 'X',
      max_tokens: 5,
      max_completion_tokens: 7,
      seed: -2,
      logit_bias: { '3': -100 },
    });
    expect(request.messages).toEqual([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'ab' },
      { role: 'assistant', content: '' },
    ]);
    expect(request).toMatchObject({ model: 'm', stream: true, includeUsage: true, stop: ['X'], maxTokens: 7 });
    expect(request.sampling).toMatchObject({ temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05, seed: 0xffff_fffe });
    expect(request.sampling.logitBias).toEqual(new Map([[3, -100]]));
    expect(request.shape).toEqual({ kind: 'text' });
  });

  it.each([
    ['B42 max_tokens below zero', { max_tokens: -1 }],
    ['B42 max_tokens beyond reason', { max_tokens: 1e12 }],
    ['B42 max_tokens as text', { max_tokens: '5' }],
    ['B43 temperature NaN', { temperature: Number.NaN }],
    ['B43 temperature below zero', { temperature: -1 }],
    ['B43 temperature beyond reason', { temperature: 1e308 }],
    ['B44 no messages', { messages: [] }],
    ['B44 a role there is not', { messages: [{ role: 'wizard', content: '' }] }],
    ['B44 a message that is no object', { messages: ['hi'] }],
    ['B44 100,000 messages', { messages: Array.from({ length: 100_000 }, () => messages[0]) }],
    ['B48 10,000 stop strings', { stop: Array.from({ length: 10_000 }, String) }],
    ['B48 n beyond reason', { n: 1_000 }],
    ['B48 stream as text', { stream: 'true' }],
    ['a response format there is not', { response_format: { type: 'xml' } }],
    ['a schema that is none', { response_format: { type: 'json_schema', json_schema: { schema: 'x' } } }],
    ['a bias for no token', { logit_bias: { x: 1 } }],
  ])('refuses %s', (_, change) => {
    expect(() => readChatRequest({ messages, ...change })).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });

  it.each([
    [
      'tools beside a response format',
      {
        tools: [{ type: 'function', function: { name: 'a' } }],
        response_format: { type: 'json_object' },
      },
    ],
    ['images', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ['several answers', { n: 2 }],
    ['logprobs', { logprobs: true }],
  ])('names what this engine cannot do: %s', (_, change) => {
    expect(() => readChatRequest({ messages, ...change })).toThrow(
      expect.objectContaining({ code: 'unsupported_capability' }),
    );
  });
});

describe('tools of a chat', () => {
  const tools = [
    { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } },
    { type: 'function', function: { name: 'get_time', description: 'The time' } },
  ];

  it('are read with the choice that the model has', () => {
    expect(readChatRequest({ messages, tools }).toolbox).toEqual({
      tools: [
        { name: 'get_weather', description: null, parameters: { type: 'object', properties: {} } },
        { name: 'get_time', description: 'The time', parameters: null },
      ],
      choice: { kind: 'auto' },
      parallel: true,
    });
    const chosen = (choice: unknown) => readChatRequest({ messages, tools, tool_choice: choice }).toolbox?.choice;
    expect(chosen('required')).toEqual({ kind: 'call', names: ['get_weather', 'get_time'] });
    expect(chosen({ type: 'function', function: { name: 'get_time' } })).toEqual({ kind: 'call', names: ['get_time'] });
    expect(chosen('auto')).toEqual({ kind: 'auto' });
    expect(chosen('none')).toBeUndefined();
    expect(readChatRequest({ messages, tools, parallel_tool_calls: false }).toolbox?.parallel).toBe(false);
    expect(readChatRequest({ messages, tools: [] }).toolbox).toBeNull();
  });

  it('that were called and answered are part of the conversation', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'get_time', arguments: '{}' } };
    const talk = [
      { role: 'assistant', content: null, reasoning_content: 'Hm.', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'noon' }] },
    ];
    expect(readChatRequest({ messages: talk }).messages).toEqual([
      {
        role: 'assistant',
        content: '',
        reasoning: 'Hm.',
        toolCalls: [{ id: 'c1', name: 'get_time', arguments: '{}' }],
      },
      { role: 'tool', content: 'noon', callId: 'c1', name: null },
    ]);
  });
});

describe('errors', () => {
  it.each([
    ['temperature', { temperature: -1 }],
    ['repeat_penalty', { repeat_penalty: 0 }],
    ['repeat_penalty', { repeat_penalty: 101 }],
    ['stream_options.include_usage', { stream_options: { include_usage: 'yes' } }],
    ['response_format.type', { response_format: { type: 'xml' } }],
    ['messages', { messages: [] }],
    ['messages[0].role', { messages: [{ role: 'wizard' }] }],
    ['messages[0]', { messages: ['hi'] }],
    ['tools', { tools: 'x' }],
    ['tools', { tools: Array.from({ length: 1_000 }, () => ({ type: 'function', function: { name: 'a' } })) }],
    ['tools[0].type', { tools: [{}] }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: { name: 'a b' } }] }],
    ['tools[0].function.parameters', { tools: [{ type: 'function', function: { name: 'a', parameters: 'x' } }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tools: [{ type: 'function', function: { name: 'a' } }], tool_choice: 'b' }],
    ['messages[0].tool_calls[0].function.name', { messages: [{ role: 'assistant', tool_calls: [{ function: {} }] }] }],
    ['n', { n: 2 }],
  ])('name %s as the field at fault', (param, change) => {
    let thrown: unknown;
    try {
      readChatRequest({ messages, ...change });
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof AppError)) throw new Error('it was not refused');
    expect(thrown.message).not.toBe('');
    expect(errorBody(thrown)).toMatchObject({ error: { param, code: thrown.code } });
  });

  it('takes every repeat_penalty within its bounds', () => {
    for (const repeat_penalty of [0.01, 1, 100]) {
      expect(readChatRequest({ messages, repeat_penalty }).sampling.repeatPenalty).toBe(repeat_penalty);
    }
  });
});

describe('readCompletionRequest', () => {
  it('takes text, one text in a list, and token numbers', () => {
    expect(readCompletionRequest({ prompt: 'a' }).prompt).toBe('a');
    expect(readCompletionRequest({ prompt: [5, 6] }).prompt).toEqual([5, 6]);
    expect(readCompletionRequest({ prompt: [[5, 6]] }).prompt).toEqual([5, 6]);
    expect(readCompletionRequest({ prompt: ['a'] }).prompt).toBe('a');
    expect(() => readCompletionRequest({ prompt: ['a', 'b'] })).toThrow('several prompts');
    expect(() => readCompletionRequest({ prompt: [1.5] })).toThrow('token numbers');
  });
});

describe('readEmbeddingRequest', () => {
  it('takes one text, several, and token numbers', () => {
    expect(readEmbeddingRequest({ input: 'a' }).inputs).toEqual(['a']);
    expect(readEmbeddingRequest({ input: ['a', 'b'], encoding_format: 'base64' })).toMatchObject({
      inputs: ['a', 'b'],
      base64: true,
    });
    expect(readEmbeddingRequest({ input: [1, 2] }).inputs).toEqual([[1, 2]]);
    expect(readEmbeddingRequest({ input: [[1], [2]] }).inputs).toEqual([[1], [2]]);
    expect(readEmbeddingRequest({ input: 'a', dimensions: 8 }).dimensions).toBe(8);
    expect(() => readEmbeddingRequest({ input: 'a', dimensions: 0 })).toThrow('dimensions');
    expect(() => readEmbeddingRequest({ input: [] })).toThrow('input');
    expect(() => readEmbeddingRequest({ input: 'a', encoding_format: 'int8' })).toThrow('encoding_format');
  });
});
