import { describe, expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../../../../../electron/agent/base/errors.ts';
import { openAiError, openAiErrorEvent } from '../../../../../electron/agent/gateway/dialects/openai/errors.ts';

describe('openAiError', () => {
  it.each([
    ['invalid_request', 'invalid_request_error'],
    ['model_not_found', 'invalid_request_error'],
    ['payload_too_large', 'invalid_request_error'],
    ['unauthorized', 'authentication_error'],
    ['forbidden', 'permission_error'],
    ['too_busy', 'server_error'],
    ['upstream_failed', 'server_error'],
    ['internal', 'server_error'],
    ['request_timeout', 'server_error'],
  ] satisfies [ErrorCode, string][])('%s is a %s: callers decide by it whether to try again', (code, type) => {
    expect(openAiError(new AppError(code, 'A sentence.')).error).toEqual({
      message: 'A sentence.',
      type,
      param: null,
      code,
    });
  });

  it('is one event even when the stream broke inside another', () => {
    const event = openAiErrorEvent(new AppError('upstream_failed', 'It broke.\n\ndata: x'));
    expect(event).toMatch(/^\n\ndata: \{.*\}\n\n$/);
    expect(event.split('data: {')).toHaveLength(2);
  });
});
