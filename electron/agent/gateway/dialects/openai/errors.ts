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

function errorType(httpStatus: number, retryable: boolean): string {
  if (httpStatus === 401) return 'authentication_error';
  if (httpStatus === 403) return 'permission_error';
  if (httpStatus === 429) return 'rate_limit_error';
  return httpStatus >= 500 || retryable ? 'server_error' : 'invalid_request_error';
}
