import { AppError, type ErrorCode } from '../../../base/errors.ts';
import { sayable } from '../../sayable.ts';
import { isObject, type Json } from '../json.ts';

/** Types whose sentence is about our key or our account, and may repeat either. */
const ownAffairs: ReadonlySet<string> = new Set(['authentication_error', 'permission_error', 'billing_error']);

/** The error that the API tells in the middle of a stream, under status 200. */
export function toldFailure(error: Json | undefined): AppError {
  const type = isObject(error) && typeof error['type'] === 'string' ? error['type'] : '';
  const told = isObject(error) && typeof error['message'] === 'string' ? error['message'] : '';
  const message =
    told === '' || ownAffairs.has(type)
      ? 'The upstream broke its answer off with an error. Send the request again.'
      : sayable(told);
  return new AppError(codeOf(type, told), message, { context: { type: type.slice(0, 64) } });
}

function codeOf(type: string, message: string): ErrorCode {
  if (/prompt is too long/i.test(message)) return 'context_length_exceeded';
  switch (type) {
    case 'overloaded_error':
    case 'rate_limit_error':
      return 'too_busy';
    case 'timeout_error':
      return 'upstream_silent';
    case 'invalid_request_error':
    case 'request_too_large':
      return 'invalid_request';
    default:
      return 'upstream_failed';
  }
}
