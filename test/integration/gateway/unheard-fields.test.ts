import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { Dialect } from '../../../electron/agent/inference/request.ts';
import type { ServedModel } from '../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { HoldingUpstream } from './holding-upstream.ts';

/** Takes every request and answers none, for what is told of the fields is settled before. */
class RefusingUpstream extends HoldingUpstream {
  override generate(): Promise<WireResponse> {
    return Promise.reject(new AppError('context_length_exceeded', 'Too long for this test.'));
  }
}

function upstream(dialect: Dialect): RefusingUpstream {
  const capabilities = ['chat', 'completion', 'tools', 'vision', 'json', 'logprobs'] as const;
  const model: ServedModel = {
    id: `by-${dialect}`,
    contextLength: 100_000,
    capabilities,
    sizeBytes: 1,
    loaded: true,
    createdAtS: 0,
  };
  return new RefusingUpstream({ id: dialect, dialects: [dialect], models: [model], defaultModel: null });
}

const dialects = ['openai', 'anthropic', 'ollama'] as const;
const messages = [{ role: 'user', content: 'x' }];
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
const theirTools = [{ name: 'f', input_schema: { type: 'object' } }];

describe('fields that an upstream has no words for', () => {
  let gateway: Gateway;
  let url: string;

  beforeAll(async () => {
    const upstreams = dialects.map(upstream);
    gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 100 },
      { upstreams: () => upstreams, clock: systemClock, logger: silentLogger },
    );
    ({ url } = await gateway.listen());
  });

  afterAll(() => gateway.close());

  async function ask(path: string, body: object, headers: Record<string, string> = {}) {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    // What the upstream itself said stands for a request that went out.
    const went = text.includes('Too long for this test');
    return { status: answer.status, went, text, ignored: answer.headers.get('x-ranch-ignored') };
  }

  /** A row of docs/dialects.md, and a request with that wish. */
  const wishes: readonly (readonly [row: string, path: string, body: object])[] = [
    ['most tokens of the answer', '/v1/chat/completions', { max_tokens: 5 }],
    ['temperature up to 1', '/v1/chat/completions', { temperature: 0.5 }],
    ['temperature above 1', '/v1/chat/completions', { temperature: 1.5 }],
    ['top_p, top_k', '/v1/chat/completions', { top_p: 0.9, top_k: 40 }],
    ['min_p', '/v1/chat/completions', { min_p: 0.1 }],
    ['seed', '/v1/chat/completions', { seed: 1 }],
    ['presence and frequency penalty', '/v1/chat/completions', { presence_penalty: 1, frequency_penalty: 1 }],
    ['repeat penalty', '/v1/chat/completions', { repeat_penalty: 1.1 }],
    ['bias of single tokens', '/v1/chat/completions', { logit_bias: { 5: -100 } }],
    ['stop sequences', '/v1/chat/completions', { stop: ['END'] }],
    ['a tool must be called, or a certain one', '/v1/chat/completions', { tools, tool_choice: 'required' }],
    ['one call at a time', '/v1/chat/completions', { tools, parallel_tool_calls: false }],
    ['JSON without a schema', '/v1/chat/completions', { response_format: { type: 'json_object' } }],
    ['JSON by a schema', '/v1/responses', { text: { format: { type: 'json_schema', name: 'a', schema: {} } } }],
    ['thinking on or off', '/v1/chat/completions', { reasoning_effort: 'low' }],
    ['probabilities of tokens', '/v1/chat/completions', { logprobs: true, top_logprobs: 1 }],
    ['how long the model stays', '/api/chat', { keep_alive: '5m' }],
  ];

  it.each(wishes)('%s: what docs/dialects.md says is what happens', async (row, path, body) => {
    const document = readFileSync(new URL('../../../docs/dialects.md', import.meta.url), 'utf8');
    const line = document.split('\n').find((each) => each.startsWith(`| ${row} `)) ?? '';
    const told = line.split('|').slice(2, 5);
    const names = Object.keys(body);
    for (const [index, dialect] of dialects.entries()) {
      const said = path === '/v1/responses' ? { input: 'x' } : { messages };
      const { status, went, text, ignored } = await ask(path, { model: `by-${dialect}`, ...said, ...body });
      const named = names.some((name) => ignored?.split(', ').includes(name));
      if (!went) expect([status, names.some((name) => text.includes(name))], text).toEqual([400, true]);
      const happened = went ? (named ? 'left out, and named' : 'sent') : 'refused, and named';
      expect(happened, `${row} at ${dialect}: ${text}`).toBe(told[index]?.trim());
    }
  });

  it.each([
    ['/v1/chat/completions', { tools, tool_choice: 'required' }, 'by-ollama', 'tool_choice', 'a tool must be called'],
    [
      '/v1/messages',
      { max_tokens: 9, tools: theirTools, tool_choice: { type: 'any' } },
      'by-ollama',
      'tool_choice',
      'a tool must be called',
    ],
    [
      '/v1/chat/completions',
      { response_format: { type: 'json_object' } },
      'by-anthropic',
      'response_format',
      'JSON without a schema',
    ],
    ['/api/chat', { format: 'json' }, 'by-anthropic', 'format', 'JSON without a schema'],
    ['/v1/chat/completions', { logit_bias: { 5: -100 } }, 'by-ollama', 'logit_bias', 'bias of single tokens'],
    ['/v1/chat/completions', { logit_bias: { 5: -100 } }, 'by-anthropic', 'logit_bias', 'bias of single tokens'],
  ])('%s with %j at %s is a 400 that names %s and says truly why', async (path, body, model, field, why) => {
    const { status, text } = await ask(path, { model, messages, ...body });
    expect(status).toBe(400);
    expect(text).toContain(`(${field}`);
    expect(text).toContain(why);
    expect(text).not.toContain('does not support');
  });

  it.each([
    [
      '/v1/chat/completions',
      { presence_penalty: 1, seed: 5, reasoning_effort: 'low' },
      'by-anthropic',
      'seed, presence_penalty, reasoning_effort',
    ],
    [
      '/api/chat',
      { think: false, keep_alive: '5m', options: { repeat_penalty: 1.1, min_p: 0.1 } },
      'by-anthropic',
      'options.min_p, options.repeat_penalty, think, keep_alive',
    ],
    ['/v1/chat/completions', { tools, parallel_tool_calls: false }, 'by-ollama', 'parallel_tool_calls'],
    ['/v1/chat/completions', { logit_bias: {} }, 'by-ollama', null],
    ['/api/chat', { think: false }, 'by-openai', 'think'],
    ['/v1/messages', { max_tokens: 9, thinking: { type: 'disabled' } }, 'by-openai', 'thinking'],
    ['/v1/messages', { max_tokens: 9, thinking: { type: 'disabled' } }, 'by-anthropic', null],
    [
      '/v1/messages',
      { max_tokens: 9, tools: theirTools, tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
      'by-ollama',
      'tool_choice.disable_parallel_tool_use',
    ],
  ])('%s with %j at %s tells the caller’s own names: %s', async (path, body, model, names) => {
    const { went, ignored } = await ask(path, { model, messages, ...body });
    expect([went, ignored]).toEqual([true, names]);
  });

  it('names the header of betas once, where it goes no further', async () => {
    const headers = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'one-2025-01-01,two-2025-01-01' };
    const body = { model: 'by-openai', max_tokens: 9, messages };
    expect((await ask('/v1/messages', body, headers)).ignored).toBe('anthropic-beta');
    expect((await ask('/v1/messages', body)).ignored).toBeNull();
  });
});
