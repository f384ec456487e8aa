import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicUpstream } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-upstream-dialect.ts';
import type { JsonObject } from '../../../../../electron/agent/gateway/dialects/json.ts';
import type { ChatQuery, Turn } from '../../../../../electron/agent/gateway/dialects/query.ts';
import { chatFault } from '../../../../fakes/fake-anthropic-rules.ts';
import { png } from './requests.ts';

const query: ChatQuery = {
  operation: 'chat',
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello' }] }],
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

function encode(changes: Partial<ChatQuery>, extras: JsonObject = {}, isProvider = true): JsonObject {
  return anthropicUpstream.encode({ ...query, ...changes }, { model: 'claude', stream: true, extras, isProvider });
}

const says = (text: string): Turn => ({ role: 'user', parts: [{ kind: 'text', text }] });
const assistant = (text: string, ...ids: string[]): Turn => ({
  role: 'assistant',
  text,
  reasoning: 'thought',
  calls: ids.map((id) => ({ id, name: 't', argumentsText: '{"a":1}' })),
});
const result = (callId: string, text: string, failed = false): Turn => ({
  role: 'tool',
  callId,
  name: 't',
  parts: text === '' ? [] : [{ kind: 'text', text }],
  failed,
});

describe('a request for an upstream of the Anthropic dialect', () => {
  it('always has a limit', () => {
    expect(encode({})).toEqual({
      model: 'claude',
      max_tokens: 8192,
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    });
    expect(encode({ maxTokens: 5 })['max_tokens']).toBe(5);
  });

  it('puts what the system says first at the front and later where it stands, roles in turn and results first', () => {
    const body = encode({
      turns: [
        { role: 'system', text: 'One.' },
        { role: 'system', text: 'Two.' },
        says('a'),
        says('b'),
        assistant('calling', 'call:1', 'call:2'),
        says('meanwhile'),
        result('call:1', 'done'),
        { role: 'system', text: 'Three.' },
        result('call:2', '', true),
        assistant('Well '),
      ],
    });
    expect(body['system']).toBe('One.\n\nTwo.');
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'calling' },
          { type: 'tool_use', id: 'call_1', name: 't', input: { a: 1 } },
          { type: 'tool_use', id: 'call_2', name: 't', input: { a: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'done' }] },
          { type: 'tool_result', tool_use_id: 'call_2', is_error: true },
          { type: 'text', text: 'meanwhile' },
          { type: 'text', text: 'Three.' },
        ],
      },
      { role: 'assistant', content: 'Well' },
    ]);
  });

  it('asks with the system prompt where there is nothing else', () => {
    const body = encode({
      turns: [
        { role: 'system', text: 'Rules.' },
        { role: 'system', text: 'Tell a joke.' },
      ],
    });
    expect(body).toMatchObject({ system: 'Rules.', messages: [{ role: 'user', content: 'Tell a joke.' }] });
  });

  it('carries images', () => {
    const part = { kind: 'image', mediaType: 'image/png', base64: png } as const;
    expect(encode({ turns: [{ role: 'user', parts: [part] }] })['messages']).toEqual([
      { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }] },
    ]);
  });

  it.each([
    ['auto', null, { type: 'auto' }],
    ['auto', false, { type: 'auto', disable_parallel_tool_use: true }],
    ['required', null, { type: 'any' }],
    ['none', null, { type: 'none' }],
    [{ name: 't' }, false, { type: 'tool', name: 't', disable_parallel_tool_use: true }],
  ] as const)('tools with choice %j and parallel calls %j', (toolChoice, parallelCalls, choice) => {
    const tools = [{ name: 't', description: 'does', parameters: {} }];
    expect(encode({ tools, toolChoice, parallelCalls })).toMatchObject({
      tools: [{ name: 't', description: 'does', input_schema: { type: 'object' } }],
      tool_choice: choice,
    });
  });

  it('asks for JSON by the official field, with objects closed', () => {
    const schema = {
      $schema: 'x',
      type: 'object',
      properties: {
        list: { type: 'array', items: { type: 'object', properties: {} } },
        open: { type: 'object', additionalProperties: true },
        properties: { type: 'string' },
      },
    };
    const body = encode(
      { shape: { kind: 'schema', name: 'n', schema, strict: null } },
      { 'output_config.effort': 'low' },
    );
    expect(body['output_config']).toEqual({
      effort: 'low',
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: {
            list: { type: 'array', items: { type: 'object', properties: {}, additionalProperties: false } },
            open: { type: 'object', additionalProperties: true },
            properties: { type: 'string' },
          },
          additionalProperties: false,
        },
      },
    });
  });

  it('says what it leaves out', () => {
    const changes: Partial<ChatQuery> = {
      sampling: {
        temperature: 1.5,
        topP: 1,
        topK: 0,
        minP: 0.1,
        seed: 1,
        presencePenalty: 1,
        frequencyPenalty: 1,
        repeatPenalty: 1.1,
        logitBias: { 5: 1 },
      },
      stop: ['\n', 'END'],
      logprobs: 2,
      keepAlive: '5m',
      shape: { kind: 'json' },
      thinking: true,
    };
    expect(anthropicUpstream.unable({ ...query, ...changes })).toEqual([
      'temperature',
      'minP',
      'seed',
      'presencePenalty',
      'frequencyPenalty',
      'repeatPenalty',
      'logitBias',
      'stop',
      'logprobs',
      'thinking',
      'keepAlive',
      'shape',
    ]);
    expect(encode(changes)).toEqual({
      messages: [{ role: 'user', content: 'Hello' }],
      model: 'claude',
      max_tokens: 8192,
      stream: true,
      temperature: 1,
      stop_sequences: ['END'],
    });
    expect(anthropicUpstream.unable(query)).toEqual([]);
  });

  it("sends a caller's own words of this dialect along, and nothing else", () => {
    const extras = {
      thinking: { type: 'enabled', budget_tokens: 1024 },
      metadata: { user_id: 'u' },
      service_tier: 'auto',
      n_discard: -1,
    };
    const body = encode({}, extras);
    expect(body).toMatchObject({ thinking: extras.thinking, metadata: extras.metadata, service_tier: 'auto' });
    expect(body).not.toHaveProperty('n_discard');
    // The thoughts before the calls are missing, which is refused.
    const afterTool = encode({ turns: [says('a'), assistant('', 'x'), result('x', 'r')] }, extras);
    expect(afterTool).not.toHaveProperty('thinking');
  });

  const thoughtful = { type: 'enabled', budget_tokens: 1024 };
  const look = { name: 'look', description: null, parameters: { type: 'object' } };

  it.each<readonly [string, Partial<ChatQuery>, JsonObject]>([
    ['a temperature', { sampling: { temperature: 0.2 } }, thoughtful],
    ['a temperature, however it is thought', { sampling: { temperature: 0 } }, { type: 'adaptive' }],
    ['top_k', { sampling: { topK: 40 } }, thoughtful],
    ['a narrow top_p', { sampling: { topP: 0.5 } }, thoughtful],
    ['a budget that fills the limit', { maxTokens: 1024 }, thoughtful],
    ['a call that must be made', { tools: [look], toolChoice: 'required' }, thoughtful],
    ['a certain call', { tools: [look], toolChoice: { name: 'look' } }, thoughtful],
  ])('leaves thinking out beside %s, which the API refuses', (_what, changes, thinking) => {
    expect(encode(changes, { thinking })).not.toHaveProperty('thinking');
    // Servers of other models mind nothing of the kind.
    expect(encode(changes, { thinking }, false)).toMatchObject({ thinking });
    // Not to think goes with everything.
    expect(encode(changes, { thinking: { type: 'disabled' } })).toHaveProperty('thinking');
  });

  it.each<readonly [string, Partial<ChatQuery>, JsonObject]>([
    ['a temperature of 1', { sampling: { temperature: 1 } }, thoughtful],
    ['a temperature that is brought down to 1', { sampling: { temperature: 1.5 } }, thoughtful],
    ['a wide top_p', { sampling: { topP: 0.95 } }, thoughtful],
    ['a limit above the budget', { maxTokens: 1025 }, thoughtful],
    ['a limit where no budget is named', { maxTokens: 10 }, { type: 'adaptive' }],
    ['tools', { tools: [look] }, thoughtful],
  ])('sends thinking along beside %s', (_what, changes, thinking) => {
    expect(encode(changes, { thinking })).toMatchObject({ thinking });
  });

  it('is for chats only', () => {
    const embedding = { operation: 'embedding', inputs: ['x'], dimensions: null, keepAlive: null } as const;
    expect(() => anthropicUpstream.encode(embedding, { model: 'm', stream: false, extras: {} })).toThrow('only chats');
    expect(() => anthropicUpstream.readEmbeddings({})).toThrow('no embeddings');
  });

  it('is in a form that the API takes, whatever the chat', () => {
    const word = fc.constantFrom('', ' ', '\n', 'a', 'b ', ' c');
    const plain = fc.oneof(
      word.map(says),
      word.map((text): Turn => ({ role: 'system', text })),
      word.map((text) => assistant(text)),
    );
    const round = fc
      .tuple(
        word,
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        word,
        plain,
      )
      .map(([text, names, told, between]) => {
        const ids = names.map((_, index) => `${names.join('')}:${index}`);
        return [
          assistant(text, ...ids),
          ...(between.role === 'assistant' ? [] : [between]),
          ...ids.map((id) => result(id, told)),
        ];
      });
    const chat = fc
      .array(
        fc.oneof(
          plain.map((turn) => [turn]),
          round,
        ),
        { maxLength: 8 },
      )
      .map((groups) => groups.flat());
    fc.assert(
      fc.property(chat, (turns) => {
        const body = encode({ turns });
        const { messages } = body;
        // Nobody said anything: there is nothing to send.
        fc.pre(Array.isArray(messages) && messages.length > 0);
        expect(chatFault(body)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
