import { traitsOf, type AppError } from '../../../base/errors.ts';

export interface OpenAiError {
  readonly error: {
    readonly message: string;
    /** Callers decide by this whether to try again: `server_error` is worth it, `invalid_request_error` is not. */
    readonly type: string;
    /** The field at fault, such as `messages[0].role`. */
    readonly param: string | null;
    readonly code: string;
  };
}

/** The body of an error as the OpenAI API shapes it. The field at fault is read from the error's context (`param`). */
export function openAiError(error: AppError): OpenAiError {
  const { httpStatus, retryable } = traitsOf(error.code);
  const param = error.context['param'];
  return {
    error: {
      message: error.message,
      type: errorType(httpStatus, retryable),
      param: typeof param === 'string' ? param : null,
      code: error.code,
    },
  };
}

/** The event that ends a stream that broke: an error where the next token would have been, and no `[DONE]`. */
export function openAiErrorEvent(error: AppError): string {
  // The blank lines before it close an event that the break may have left open.
  return `\n\ndata: ${JSON.stringify(openAiError(error))}\n\n`;
}

/**
 * The same for the stream of a response. `place`: its number among the stream's events, from 0; clients that check what
 * they read take an event without one for something they do not know, and the stream for a good one.
 */
export function responsesErrorEvent(error: AppError, place: number): string {
  const { error: told } = openAiError(error);
  const { code, message, param } = told;
  const data = { type: 'error', sequence_number: place, code, message, param, error: told };
  return `\n\nevent: error\ndata: ${JSON.stringify(data)}\n\n`;
}

function errorType(httpStatus: number, retryable: boolean): string {
  if (httpStatus === 401) return 'authentication_error';
  if (httpStatus === 403) return 'permission_error';
  if (httpStatus === 429) return 'rate_limit_error';
  return httpStatus >= 500 || retryable ? 'server_error' : 'invalid_request_error';
}
