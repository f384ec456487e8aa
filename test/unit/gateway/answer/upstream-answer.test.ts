import { describe, expect, it } from 'vitest';
import { traitsOf } from '../../../../electron/agent/base/errors.ts';
import { streamedFailure } from '../../../../electron/agent/gateway/answer/upstream-answer.ts';

const failure = (code: number, message: string) => streamedFailure({ code, message, type: 'invalid_request_error' }, 0);

describe('an upstream’s refusal', () => {
  it.each([
    'm does not support tools',
    "Unsupported value: 'temperature' does not support 0.2 with this model.",
    'Function tools with reasoning_effort are not supported for gpt-x in /v1/chat/completions.',
    "Unsupported parameter: 'max_tokens' is not supported with this model.",
    '`temperature` is deprecated for this model.',
    'tool_choice: forced tool use is not supported for this model.',
    'Function call is missing a thought_signature in functionCall parts.',
  ])('F30 lets another one be asked where the model cannot do it: %s', (message) => {
    const { code } = failure(400, message);
    expect([code, traitsOf(code).mayFallBack]).toEqual(['unsupported_capability', true]);
  });

  it.each([
    'max_tokens: must be at least 1',
    'messages: at least one message is required',
    'Field x is not supported.',
  ])('is the caller’s to mend where every model would say it: %s', (message) => {
    expect(failure(400, message).code).toBe('invalid_request');
  });

  it('F30 of this node’s key is no fault of the caller, whatever its status', () => {
    for (const message of ['API key not valid. Please pass a valid API key.', 'Incorrect API key provided: xa***1c.']) {
      const error = failure(400, message);
      expect(error.code).toBe('engine_failed');
      expect(error.message).not.toContain('xa***');
      expect(error.message).toContain('operator');
    }
  });
});
