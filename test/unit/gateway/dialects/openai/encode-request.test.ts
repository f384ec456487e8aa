import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRequest, unableToCarry } from '../../../../../electron/agent/gateway/dialects/openai/encode-request.ts';
import { settledTurns } from '../../../../../electron/agent/gateway/dialects/openai/settled-turns.ts';
import type { ChatQuery, Part, Sampling, Turn } from '../../../../../electron/agent/gateway/dialects/query.ts';
import { chat, decode, decodeText, png, weather } from './decoding.ts';

const to = { model: 'theirs', stream: false, extras: {} };
const hello: Turn = { role: 'user', parts: [{ kind: 'text', text: 'Hello' }] };
const plain: ChatQuery = {
  operation: 'chat',
  turns: [hello],
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

describe('encodeRequest of a chat', () => {
  it('sends what was asked and nothing else', () => {
    expect(encodeRequest(plain, to)).toEqual({ model: 'theirs', messages: [{ role: 'user', content: 'Hello' }] });
  });

  it('asks a stream for its usage, unless its bytes may pass to a caller who did not', () => {
    const stream = { ...to, stream: true };
    expect(encodeRequest(plain, stream)).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(encodeRequest({ ...plain, usageInStream: true }, stream)).toMatchObject({
      stream_options: { include_usage: true },
    });
    expect(encodeRequest({ ...plain, usageInStream: false }, stream)).not.toHaveProperty('stream_options');
    expect(encodeRequest(chat({ stream: true }).query, stream)).not.toHaveProperty('stream_options');
  });

  it('uses the names that every server knows', () => {
    const { query } = chat({ max_completion_tokens: 9, n: 1, user: 'x', reasoning_effort: 'low', top_k: 3 });
    expect(encodeRequest(query, to)).toEqual({
      model: 'theirs',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 9,
      top_k: 3,
    });
  });

  it('sends images as data: addresses', () => {
    const image: Part = { kind: 'image', mediaType: 'image/png', base64: png };
    const body = encodeRequest(
      { ...plain, turns: [{ role: 'user', parts: [{ kind: 'text', text: 'a' }, image] }] },
      to,
    );
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
        ],
      },
    ]);
  });

  it('gives thoughts back only while the model works on the last question', () => {
    const thinking = (reasoning: string): Turn => ({
      role: 'assistant',
      text: '',
      reasoning,
      calls: [{ id: 'c', name: 'f', argumentsText: '' }],
    });
    const result: Turn = { role: 'tool', callId: 'c', name: null, parts: [], failed: false };
    const { messages } = encodeRequest(
      { ...plain, turns: [hello, thinking('old'), result, hello, thinking('new'), result] },
      to,
    );
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    expect(messages).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: '' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: '', reasoning_content: 'new', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: '' },
    ]);
  });

  it.each([
    ['', '{}'],
    [' ', '{}'],
    ['{"a": 1}', '{"a": 1}'],
    ['{"a":', '{"arguments":"{\\"a\\":"}'],
    ['"x"', '{"arguments":"\\"x\\""}'],
  ])('never sends arguments that are no JSON object: %j', (written, sent) => {
    const turns: Turn[] = [
      { role: 'assistant', text: '', reasoning: null, calls: [{ id: 'c', name: 'f', argumentsText: written }] },
    ];
    expect(JSON.stringify(encodeRequest({ ...plain, turns }, to)['messages'])).toContain(JSON.stringify(sent));
  });

  it('makes a choice of one tool out of a named one, which not every server heeds', () => {
    const tools = [weather, { type: 'function', function: { name: 'now' } }];
    const { query } = chat({ tools, tool_choice: { type: 'function', function: { name: 'now' } } });
    expect(encodeRequest(query, to)).toMatchObject({
      tools: [{ type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'required',
    });
  });

  it('asks for at least one likely token, for servers that take none for nothing', () => {
    expect(encodeRequest({ ...plain, logprobs: 0 }, to)).toMatchObject({ logprobs: true, top_logprobs: 1 });
    expect(encodeRequest({ ...plain, logprobs: 5 }, to)).toMatchObject({ logprobs: true, top_logprobs: 5 });
  });

  it('lets extras through, but never over a field of its own', () => {
    expect(encodeRequest(plain, { ...to, extras: { x: 1, model: 'evil' } })).toMatchObject({ x: 1, model: 'theirs' });
  });

  it('B37 B38 sends an engine only the fields of a list', () => {
    const { query } = chat({ unknown: 1, cache_prompt: false, samplers: ['x'], tools: [weather], stream: true });
    expect(Object.keys(encodeRequest(query, { ...to, stream: true })).sort()).toEqual([
      'messages',
      'model',
      'stream',
      'tools',
    ]);
  });

  it('tells what it cannot carry', () => {
    expect(unableToCarry(plain)).toEqual([]);
    expect(unableToCarry({ ...plain, thinking: false, keepAlive: '5m' })).toEqual(['keep_alive', 'thinking']);
    expect(unableToCarry({ operation: 'embedding', inputs: ['a'], dimensions: null, keepAlive: 0 })).toEqual([
      'keep_alive',
    ]);
  });
});

describe('encodeRequest of a completion', () => {
  it('asks for a form in both ways that servers have', () => {
    const schema = { type: 'object' };
    const { query } = decode('/v1/completions', {
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      logprobs: 2,
    });
    expect(encodeRequest(query, to)).toEqual({
      model: 'theirs',
      prompt: 'Once',
      logprobs: 2,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      json_schema: schema,
    });
  });
});

describe('encodeRequest of embeddings', () => {
  it('always asks for plain numbers', () => {
    const { query } = decode('/v1/embeddings', { input: ['a', 'b'], encoding_format: 'base64', dimensions: 8 });
    expect(encodeRequest(query, to)).toEqual({
      model: 'theirs',
      input: ['a', 'b'],
      encoding_format: 'float',
      dimensions: 8,
    });
    expect(encodeRequest(decode('/v1/embeddings').query, to)).toMatchObject({ input: 'Hello' });
  });
});

describe('there and back', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  const part: fc.Arbitrary<Part> = fc.oneof(
    { weight: 3, arbitrary: word.map((text): Part => ({ kind: 'text', text })) },
    fc.constant<Part>({ kind: 'image', mediaType: 'image/png', base64: png }),
  );
  /** Texts are joined on the way, so there is one, or a list with an image in it. */
  const parts = fc.oneof(
    word.map((text): Part[] => [{ kind: 'text', text }]),
    fc.array(part, { minLength: 1, maxLength: 4 }).filter((all) => all.some(({ kind }) => kind === 'image')),
  );
  const call = fc.record({
    id: word,
    name: word,
    argumentsText: fc.dictionary(word, fc.jsonValue({ maxDepth: 2 })).map((value) => JSON.stringify(value)),
  });
  const turn: fc.Arbitrary<Turn> = fc.oneof(
    word.map((text): Turn => ({ role: 'system', text })),
    parts.map((all): Turn => ({ role: 'user', parts: all })),
    fc
      .tuple(fc.string(), fc.array(call, { maxLength: 3 }))
      .map(([text, calls]): Turn => ({ role: 'assistant', text, reasoning: null, calls })),
    fc.tuple(word, word, fc.option(word)).map(([callId, text, name]): Turn => ({
      role: 'tool',
      callId,
      name,
      parts: [{ kind: 'text', text }],
      failed: false,
    })),
  );
  const number = (min: number, max: number): fc.Arbitrary<number> =>
    fc.double({ min, max, noNaN: true }).map((value) => value + 0);
  const sampling: fc.Arbitrary<Sampling> = fc.record(
    {
      temperature: number(0, 2),
      topP: number(0, 1),
      topK: fc.nat(1000),
      seed: fc.integer(),
      presencePenalty: number(-2, 2),
      repeatPenalty: number(0.5, 2),
      logitBias: fc.dictionary(fc.nat(99_999).map(String), number(-100, 100)),
    },
    { requiredKeys: [] },
  );
  const tool = fc.record({
    name: word,
    description: fc.option(fc.string()),
    parameters: fc.constant({ type: 'object', properties: { a: { type: 'string' } } }),
  });
  const query: fc.Arbitrary<ChatQuery> = fc
    .record({
      turns: fc.array(turn, { minLength: 1, maxLength: 8 }),
      tools: fc.array(tool, { maxLength: 3 }),
      choice: fc.constantFrom('auto', 'required', 'named'),
      parallelCalls: fc.option(fc.boolean()),
      shape: fc.constantFrom<ChatQuery['shape']>(
        { kind: 'text' },
        { kind: 'json' },
        { kind: 'schema', name: 'n', schema: { type: 'object' }, strict: true },
        { kind: 'schema', name: 'n', schema: {}, strict: null },
      ),
      sampling,
      stop: fc.array(word, { maxLength: 4 }),
      maxTokens: fc.option(fc.integer({ min: 1, max: 1000 })),
      logprobs: fc.option(fc.nat(20)),
    })
    .map(({ choice, tools, parallelCalls, ...rest }) => {
      const [first] = tools;
      const named = choice === 'named' && first ? { name: first.name } : 'auto';
      return {
        ...rest,
        operation: 'chat',
        tools,
        toolChoice: first === undefined ? 'auto' : choice === 'required' ? 'required' : named,
        parallelCalls: first === undefined ? null : parallelCalls,
        thinking: null,
        keepAlive: null,
      };
    });

  it('what was encoded is decoded to the same query, but for what is settled on the way (fuzz)', () => {
    fc.assert(
      fc.property(query, fc.boolean(), (asked, stream) => {
        const body = JSON.stringify(encodeRequest(asked, { model: 'm', stream, extras: {} }));
        const decoded = decodeText('/v1/chat/completions', body);
        expect(decoded.ignored).toEqual([]);
        expect(decoded.stream).toBe(stream);
        const { toolChoice } = asked;
        const named = typeof toolChoice === 'string' ? null : toolChoice.name;
        expect(decoded.query).toEqual({
          ...asked,
          turns: settledTurns(asked.turns),
          usageInStream: stream,
          tools: asked.tools.filter(({ name }) => named === null || name === named),
          toolChoice: named === null ? toolChoice : 'required',
          logprobs: asked.logprobs === null ? null : Math.max(1, asked.logprobs),
        });
      }),
      { numRuns: 300 },
    );
  });
});
