import { describe, expect, it } from 'vitest';
import { callerFields } from '../../../../electron/agent/gateway/dispatch/caller-fields.ts';

describe('callerFields', () => {
  it.each([
    ['presencePenalty', { presence_penalty: 1 }, ['presence_penalty']],
    ['minP', { options: { min_p: 0.1 } }, ['options.min_p']],
    ['keepAlive', { keep_alive: '5m' }, ['keep_alive']],
    ['thinking', { think: false }, ['think']],
    ['thinking', { thinking: { type: 'disabled' } }, ['thinking']],
    ['thinking', { reasoning_effort: 'low', chat_template_kwargs: {} }, ['chat_template_kwargs', 'reasoning_effort']],
    ['thinking', { reasoning: { effort: 'low' }, think: null }, ['reasoning']],
    ['parallelCalls', { tool_choice: { disable_parallel_tool_use: true } }, ['tool_choice.disable_parallel_tool_use']],
    ['shape', { text: { format: { type: 'json_object' } } }, ['text.format']],
    ['stop', { stop_sequences: [' '] }, ['stop_sequences']],
    ['min_p', { options: { min_p: 1 } }, ['options.min_p']],
    ['temperature', {}, ['temperature']],
    ['repeatPenalty', { options: null }, ['repeat_penalty']],
  ])('%s of %j', (part, received, fields) => {
    expect(callerFields([part], received)).toEqual(fields);
  });
});
