import { describe, expect, it } from 'vitest';
import { mayThinkUnseen } from '../../../../electron/agent/gateway/dispatch/unseen-thinking.ts';
import type { Json } from '../../../../electron/agent/gateway/dialects/json.ts';

const plain = 'gpt-4.1-mini';

describe('mayThinkUnseen', () => {
  it.each<[string, Record<string, Json>]>([
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 2_000 } }],
    ['thinking', { thinking: { type: 'adaptive' } }],
    ['reasoning', { reasoning: { effort: 'low' } }],
    ['reasoning', { reasoning: { max_tokens: 500 } }],
    ['reasoning_effort', { reasoning_effort: 'minimal' }],
    ['think', { think: true }],
    ['think', { think: 'high' }],
    ['enable_thinking', { enable_thinking: true }],
    ['thinking_budget', { thinking_budget: 100 }],
    ['thinking_token_budget', { thinking_token_budget: 100 }],
    ['prompt_mode', { prompt_mode: 'reasoning' }],
    ['output_config.effort', { output_config: { effort: 'high' } }],
    ['chat_template_kwargs', { chat_template_kwargs: { enable_thinking: true } }],
    ['extra_body', { extra_body: { google: { thinking_config: { thinking_budget: 100 } } } }],
  ])('a request that allows it by %s', (_field, received) => {
    expect(mayThinkUnseen(received, plain)).toBe(true);
  });

  it.each<[string, Record<string, Json>]>([
    ['nothing of it', { temperature: 1, messages: [{ role: 'user', content: 'thinking' }] }],
    ['disabled', { thinking: { type: 'disabled' } }],
    ['null', { thinking: null, reasoning: null, reasoning_effort: null }],
    ['none', { reasoning_effort: 'none', reasoning: { effort: 'none' } }],
    ['not enabled', { reasoning: { enabled: false }, think: false, enable_thinking: false, thinking_budget: 0 }],
  ])('not a request that says %s', (_name, received) => {
    expect(mayThinkUnseen(received, plain)).toBe(false);
  });

  it.each([
    'o1',
    'o3-mini',
    'o4-mini-2025-04-16',
    'gpt-5-nano',
    'gpt-6.1-sol',
    'openai/gpt-6.1-terra',
    'chatgpt-5-latest',
    'gpt-oss-120b',
    'gemini-2.5-pro',
    'google/gemini-2.5-flash',
    'models/gemini-3.8-flash',
    'grok-4.7',
    'grok-build-0.1',
    'claude-opus-5-5',
    'claude-opus-5',
    'claude-haiku-5-5',
    'claude-fable-5-1',
    'deepseek-reasoner',
    'deepseek/deepseek-r1:free',
    'qwen3-235b-a22b-thinking-2507',
    'grok-5-fast-reasoning',
  ])('a model that thinks without being asked: %s', (model) => {
    expect(mayThinkUnseen({}, model)).toBe(true);
    // Not all of them can be kept from it.
    expect(mayThinkUnseen({ thinking: { type: 'disabled' }, reasoning_effort: 'none' }, model)).toBe(true);
  });

  it.each([
    'gpt-4o-mini',
    'gpt-4.1-mini',
    'gpt-3.5-turbo',
    'claude-opus-4-8',
    'claude-sonnet-4-6',
    'anthropic/claude-haiku-4.5',
    'claude-3-5-sonnet-20241022',
    'grok-4-fast-non-reasoning',
    'gemini-2.0-flash',
    'llama-3.3-70b-instruct',
    'text-embedding-3-small',
    'big',
  ])('not a model that thinks only when asked: %s', (model) => {
    expect(mayThinkUnseen({}, model)).toBe(false);
  });
});
