import { traitsOf, type AppError, type ErrorCode } from '../../../base/errors.ts';
import { pingEvent, sseEvent } from './wire.ts';

export interface AnthropicError {
  readonly type: 'error';
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly details: {
      readonly error_code: ErrorCode;
      /** The field at fault, such as `messages[0].role`. */
      readonly param: string | null;
    };
  };
  readonly request_id?: string;
}

/** The body of an error as the Anthropic API shapes it. The error's context may have `param` and `trace`. */
export function anthropicError(error: AppError): AnthropicError {
  const { param, trace } = error.context;
  return {
    type: 'error',
    error: {
      type: errorType(error.code),
      message: messageOf(error),
      details: { error_code: error.code, param: typeof param === 'string' ? param : null },
    },
    ...(typeof trace === 'string' && { request_id: trace }),
  };
}

/** The event that ends a stream that broke, where it is known to stand between two events. */
export function errorEvent(error: AppError): string {
  return sseEvent('error', anthropicError(error));
}

/**
 * The same where the stream may have broken inside another event: that one becomes a ping, whose data nobody reads.
 * Ending it as it is would let callers fail over half a piece of JSON before they see the error.
 */
export function errorEventAnywhere(error: AppError): string {
  return `\n${pingEvent}${errorEvent(error)}`;
}

/** A ping, which every caller passes over, with the sentence as a comment. */
export function waitingEvent(sentence: string): string {
  return `: ${sentence}\n${pingEvent}`;
}

/** Callers know by these very words that they must shorten the chat, and by the numbers by how much. */
function messageOf(error: AppError): string {
  if (error.code !== 'context_length_exceeded') return error.message;
  const { promptTokens, contextLength } = error.context;
  const told = typeof promptTokens === 'number' && typeof contextLength === 'number';
  // A prompt that fits and leaves no room for an answer is too long as well, without such a pair of numbers.
  if (told && promptTokens > contextLength) {
    return `prompt is too long: ${promptTokens} tokens > ${contextLength} maximum. ${error.message}`;
  }
  return /prompt is too long/i.test(error.message) ? error.message : `prompt is too long: ${error.message}`;
}

function errorType(code: ErrorCode): string {
  const { httpStatus } = traitsOf(code);
  switch (httpStatus) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 409:
      return 'conflict_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    case 408:
    case 504:
      return 'timeout_error';
    default:
      return httpStatus >= 500 ? 'api_error' : 'invalid_request_error';
  }
}
