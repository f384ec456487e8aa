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
  if (tooLong) return new AppError('context_length_exceeded', message);
  return new AppError([kind, type].some((word) => busyWords.has(word)) ? 'too_busy' : 'upstream_failed', message);
}

/** Busy is not broken. Another node says so in the stream where its caller has waited for long; the rest are providers'. */
const busyWords: ReadonlySet<Json | undefined> = new Set<Json | undefined>([
  'too_busy',
  'rate_limit_exceeded',
  'rate_limit_error',
  'overloaded_error',
  429,
  503,
  529,
]);

export function notOfThisDialect(what: string): AppError {
  return new AppError('upstream_failed', `The upstream sent ${what}. Send the request again.`);
}
