/**
 * Every error that a caller or operator may see. What a code means for HTTP, for a retry and for fallback to another
 * upstream is a property of the code, stated once here; it becomes a body once per dialect.
 */
interface CodeTraits {
  /** HTTP status in dialects that have no better one of their own. */
  readonly httpStatus: number;
  /** The same request may succeed if sent again later. */
  readonly retryable: boolean;
  /** Another upstream may be tried, as long as no byte of an answer was sent. */
  readonly mayFallBack: boolean;
}

const traits = {
  invalid_request: { httpStatus: 400, retryable: false, mayFallBack: false },
  unauthorized: { httpStatus: 401, retryable: false, mayFallBack: false },
  forbidden: { httpStatus: 403, retryable: false, mayFallBack: false },
  not_found: { httpStatus: 404, retryable: false, mayFallBack: false },
  model_not_found: { httpStatus: 404, retryable: false, mayFallBack: false },
  method_not_allowed: { httpStatus: 405, retryable: false, mayFallBack: false },
  request_timeout: { httpStatus: 408, retryable: true, mayFallBack: false },
  conflict: { httpStatus: 409, retryable: false, mayFallBack: false },
  payload_too_large: { httpStatus: 413, retryable: false, mayFallBack: false },
  unsupported_media_type: { httpStatus: 415, retryable: false, mayFallBack: false },
  expectation_failed: { httpStatus: 417, retryable: false, mayFallBack: false },
  wrong_host: { httpStatus: 421, retryable: false, mayFallBack: false },
  headers_too_large: { httpStatus: 431, retryable: false, mayFallBack: false },
  context_length_exceeded: { httpStatus: 400, retryable: false, mayFallBack: false },
  unsupported_capability: { httpStatus: 400, retryable: false, mayFallBack: true },
  caller_gone: { httpStatus: 499, retryable: false, mayFallBack: false },
  /** The key's own share, rate or money is used up; never told as 402, which callers take for the end of an account. */
  key_limit: { httpStatus: 429, retryable: true, mayFallBack: false },
  /** The node's own fault, and so no 401: the caller's key may be good. */
  keys_unreadable: { httpStatus: 503, retryable: true, mayFallBack: false },
  loop_detected: { httpStatus: 508, retryable: false, mayFallBack: false },
  too_busy: { httpStatus: 503, retryable: true, mayFallBack: true },
  engine_not_ready: { httpStatus: 503, retryable: true, mayFallBack: true },
  engine_failed: { httpStatus: 502, retryable: true, mayFallBack: true },
  upstream_failed: { httpStatus: 502, retryable: true, mayFallBack: true },
  upstream_silent: { httpStatus: 504, retryable: true, mayFallBack: true },
  /** What is spent cannot be written down at present, so nothing may be: another upstream may cost nothing. */
  ledger_closed: { httpStatus: 503, retryable: true, mayFallBack: true },
  shutting_down: { httpStatus: 503, retryable: true, mayFallBack: true },
  internal: { httpStatus: 500, retryable: false, mayFallBack: false },
  port_taken: { httpStatus: 500, retryable: false, mayFallBack: false },
  data_folder_in_use: { httpStatus: 500, retryable: false, mayFallBack: false },
  data_folder_unusable: { httpStatus: 500, retryable: false, mayFallBack: false },
  settings_invalid: { httpStatus: 400, retryable: false, mayFallBack: false },
  model_unusable: { httpStatus: 422, retryable: false, mayFallBack: false },
  disk_full: { httpStatus: 507, retryable: false, mayFallBack: false },
} as const satisfies Record<string, CodeTraits>;

export type ErrorCode = keyof typeof traits;

/** Facts about the failure for the log. Never a prompt, a key or a token. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null>>;

/** An error with a stable code. `message` is one or two sentences for a person: what happened, then what to do. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, options: { context?: ErrorContext; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.context = options.context ?? {};
  }
}

/** What `code` means; see {@link CodeTraits}. */
export function traitsOf(code: ErrorCode): CodeTraits {
  return traits[code];
}

/** Any thrown value as an AppError; what was not one becomes `internal` with a sentence that leaks nothing. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', 'Something failed inside the agent. The log has the details.', { cause: error });
}

/** The `code` of a Node system error such as ENOENT; undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Ends a `switch` over a union: a case that was forgotten does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
