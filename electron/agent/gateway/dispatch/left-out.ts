import { AppError, assertNever } from '../../base/errors.ts';
import { seconds } from '../routing/figures.ts';
import type { LeftOut } from './breaker.ts';

/** When a caller may look again while somebody else's request finds out. */
const trialRetryS = 5;

/** Why an upstream gets no request now, for a trace and the panel. */
export function leftOutSentence({ cause, forMs, nextTryAt }: LeftOut): string {
  const isTried = forMs === 0;
  switch (cause) {
    case 'busy':
      return `It has no room and asked to be left alone for another ${seconds(forMs ?? 0)}.`;
    case 'unauthorised':
      return 'It refused the key that this node sent, and is not asked again until it gets a valid one.';
    case 'out-of-money':
      return isTried
        ? 'Its account was used up, and another request is finding out whether it still is.'
        : `Its account is used up. It is asked again at ${minuteOf(nextTryAt)}.`;
    case 'failing':
      return isTried
        ? 'It failed several times in a row, and another request is finding out whether it answers again.'
        : `It failed several times in a row and is left alone for another ${seconds(forMs ?? 0)}.`;
    default:
      return assertNever(cause);
  }
}

/**
 * What a caller is told who wanted it: `too_busy` of one that is well and has no room, else `engine_not_ready`;
 * `retryAfterS` in its context, null where waiting alone does not help.
 */
export function leftOutError(model: string, upstreamId: string, leftOut: LeftOut): AppError {
  const { cause, forMs } = leftOut;
  const retryAfterS = forMs === null ? null : forMs === 0 ? trialRetryS : Math.max(1, Math.ceil(forMs / 1_000));
  const sentence = leftOutSentence(leftOut);
  const why = `${model} on ${upstreamId} cannot answer now: ${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`;
  const isForOperator = cause === 'unauthorised' || cause === 'out-of-money';
  const advice = isForOperator ? 'The operator of this node has to look after it.' : `Try again in ${retryAfterS} s.`;
  return new AppError(cause === 'busy' ? 'too_busy' : 'engine_not_ready', `${why} ${advice}`, {
    context: { upstream: upstreamId, retryAfterS },
  });
}

/** Such as `2026-12-01 00:00 UTC`. */
function minuteOf(time: string | null): string {
  return time === null ? 'no time that is known' : `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
