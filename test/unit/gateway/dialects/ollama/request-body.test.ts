import { describe, expect, it } from 'vitest';
import { ollamaUpstream } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-upstream-dialect.ts';
import { ollamaDialect } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import type { ChatQuery } from '../../../../../electron/agent/gateway/dialects/query.ts';

const query: ChatQuery = {
  operation: 'chat',
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hello' }] }],
  tools: [],
  toolChoice: 'auto',
  parallelCalls: null,
  shape: { kind: 'text' },
  thinking: null,
  sampling: {},
  stop: [],
  maxTokens: null,
  logprobs: null,
  keepAlive: null,
};
const to = { model: 'up:latest', stream: true, extras: {} };
const tools = ['f', 'g'].map((name) => ({ name, description: null, parameters: { type: 'object' } }));

describe('a chat for Ollama', () => {
  it('B49 is never cut by the engine: neither the prompt nor the answer shifts', () => {
    expect(ollamaUpstream.encode(query, to)).toEqual({
      model: 'up:latest',
      stream: true,
      truncate: false,
      shift: false,
      options: {},
      messages: [{ role: 'user', content: 'hello' }],
    });
  });

  it('carries sampling, limit, stop, shape, thinking and the caller’s own options', () => {
    expect(
      ollamaUpstream.encode(
        {
          ...query,
          sampling: { temperature: 0.3, topK: 5, repeatPenalty: 1.2 },
          stop: ['x'],
          maxTokens: 9,
          shape: { kind: 'json' },
          thinking: true,
          logprobs: 2,
          keepAlive: '1h',
        },
        { ...to, stream: false, extras: { options: { num_ctx: 4096, temperature: 2 }, think: 'high' } },
      ),
    ).toMatchObject({
      stream: false,
      format: 'json',
      think: 'high',
      logprobs: true,
      top_logprobs: 2,
      keep_alive: '1h',
      options: { num_ctx: 4096, temperature: 0.3, top_k: 5, repeat_penalty: 1.2, stop: ['x'], num_predict: 9 },
    });
  });

  it('a level of thinking goes when a persona or a rule has said no', () => {
    expect(ollamaUpstream.encode({ ...query, thinking: false }, { ...to, extras: { think: 'high' } })['think']).toBe(
      false,
    );
  });

  it('carries calls, answers of tools and images', () => {
    const body = ollamaUpstream.encode(
      {
        ...query,
        tools,
        turns: [
          { role: 'system', text: 's' },
          {
            role: 'user',
            parts: [
              { kind: 'text', text: 'a' },
              { kind: 'image', mediaType: 'image/png', base64: 'AAAA' },
            ],
          },
          {
            role: 'assistant',
            text: '',
            reasoning: 'hm',
            calls: [
              { id: 'c1', name: 'f', argumentsText: '{"a":1}' },
              { id: 'c2', name: 'g', argumentsText: 'broken' },
            ],
          },
          { role: 'tool', callId: 'c1', name: null, parts: [{ kind: 'text', text: 'r' }], failed: false },
        ],
      },
      to,
    );
    expect(body['messages']).toEqual([
      { role: 'system', content: 's' },
      { role: 'user', content: 'a', images: ['AAAA'] },
      {
        role: 'assistant',
        content: '',
        thinking: 'hm',
        tool_calls: [
          { id: 'c1', function: { index: 0, name: 'f', arguments: { a: 1 } } },
          { id: 'c2', function: { index: 1, name: 'g', arguments: { value: 'broken' } } },
        ],
      },
      { role: 'tool', content: 'r', tool_name: 'f', tool_call_id: 'c1' },
    ]);
    expect(body['tools']).toHaveLength(2);
  });

  it('offers only the tool that is to be called, and none where none is', () => {
    expect(ollamaUpstream.encode({ ...query, tools, toolChoice: 'none' }, to)['tools']).toBeUndefined();
    expect(ollamaUpstream.encode({ ...query, tools, toolChoice: { name: 'g' } }, to)['tools']).toMatchObject([
      { function: { name: 'g' } },
    ]);
    expect(ollamaUpstream.unable({ ...query, tools, toolChoice: 'required', parallelCalls: false })).toEqual([
      'toolChoice',
      'parallelCalls',
    ]);
    expect(ollamaUpstream.unable({ ...query, sampling: { logitBias: { 5: 1 } } })).toEqual(['logitBias']);
    expect(ollamaUpstream.unable(query)).toEqual([]);
  });

  it('is what a caller of this dialect sent, rebuilt', () => {
    const sent = {
      model: 'up:latest',
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: '', tool_calls: [{ id: 'c', function: { name: 'f', arguments: { b: [1] } } }] },
        { role: 'tool', tool_name: 'f', content: 'r' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }],
      format: { type: 'object' },
      think: false,
      options: { temperature: 1, num_predict: 3 },
    };
    const decoded = ollamaDialect.surfaces['/api/chat']?.decode(Buffer.from(JSON.stringify(sent)));
    expect(decoded && ollamaUpstream.encode(decoded.query, { ...to, extras: decoded.extras })).toEqual({
      ...sent,
      stream: true,
      truncate: false,
      shift: false,
      messages: [
        sent.messages[0],
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c', function: { index: 0, name: 'f', arguments: { b: [1] } } }],
        },
        { role: 'tool', content: 'r', tool_name: 'f', tool_call_id: 'c' },
      ],
    });
  });
});

describe('other operations', () => {
  it('a completion is raw, and embeddings are asked for together', () => {
    const { sampling, stop, maxTokens, logprobs, keepAlive, shape } = query;
    const completion = {
      operation: 'completion',
      prompt: 'p',
      sampling,
      stop,
      maxTokens,
      logprobs,
      keepAlive,
      shape,
    } as const;
    expect(ollamaUpstream.encode(completion, to)).toMatchObject({ prompt: 'p', raw: true, stream: true });
    expect(
      ollamaUpstream.encode({ operation: 'embedding', inputs: ['a', 'b'], dimensions: 4, keepAlive: null }, to),
    ).toEqual({ model: 'up:latest', input: ['a', 'b'], dimensions: 4, truncate: false });
  });
});
