import { AppError } from '../../../base/errors.ts';
import { sayable } from '../../sayable.ts';
import { isObject, type Json } from '../json.ts';

/** What an upstream's `error` means: an object with a message, or a text. */
export function upstreamError(error: Json): AppError {
  const told = isObject(error) ? error['message'] : error;
  const kind = isObject(error) ? (error['code'] ?? error['type']) : null;
  const type = isObject(error) ? error['type'] : null;
  const message =
    typeof told === 'string' && told !== ''
      ? sayable(told)
      : 'The upstream broke off its answer without a reason. Send the request again.';
  const tooLong = [kind, type].some(
    (word) => word === 'exceed_context_size_error' || word === 'context_length_exceeded',
  );
  return new AppError(tooLong ? 'context_length_exceeded' : 'upstream_failed', message);
}

export function notOfThisDialect(what: string): AppError {
  return new AppError('upstream_failed', `The upstream sent ${what}. Send the request again.`);
}
