import { assertNever } from '../../base/errors.ts';

/** What a provider's answers have told of it. Times are monotonic milliseconds. */
export type Condition =
  /** `failures`: in a row; a silence counts double. `last`: what the latest one was, for people. */
  | { readonly kind: 'well'; readonly failures: number; readonly last: string }
  /** It asked to be left alone, or told that the next request would be one too many. */
  | { readonly kind: 'busy'; readonly untilMs: number }
  /** The account, or what it may use, is used up. */
  | { readonly kind: 'out-of-money'; readonly untilMs: number }
  /** The key was refused: only another one helps, or a test that finds it good. */
  | { readonly kind: 'unauthorised'; readonly status: number }
  /** What answers is no provider. Another address helps, and it is looked at again after a while. */
  | { readonly kind: 'misplaced'; readonly sentence: string; readonly untilMs: number };

export type ProviderEvent =
  /** It answered, be it with a refusal of the request. `fullForMs`: it tells that nothing more may come for so long. */
  | { readonly kind: 'answered'; readonly fullForMs: number | null }
  | { readonly kind: 'failed'; readonly weight: number; readonly what: string }
  | { readonly kind: 'busy'; readonly forMs: number }
  /** Null: it does not say for how long. */
  | { readonly kind: 'out-of-money'; readonly forMs: number | null }
  | { readonly kind: 'unauthorised'; readonly status: number }
  | { readonly kind: 'misplaced'; readonly sentence: string }
  /** Another key or address, or a test that went well: what was known says nothing any more. */
  | { readonly kind: 'renewed' };

export const well: Condition = { kind: 'well', failures: 0, last: '' };

/** From here on people are told; the gateway's breaker leaves it alone by then. */
export const brokenFailures = 5;
/** A longer wait than this is no crowd: a plan's quota is used up. */
export const longestBusyMs = 600_000;
/** When an account without money is tried again where nobody told when it will have some. */
const moneyPauseMs = 3_600_000;
/** A portal in the way, or an address that is mended elsewhere, is not there for good. */
const misplacedMs = 600_000;

/** What comes of an event. Pure. The worse of two conditions stays: an answer to an older request clears nothing. */
export function nextCondition(before: Condition, event: ProviderEvent, nowMs: number): Condition {
  const state = atTime(before, nowMs);
  switch (event.kind) {
    case 'renewed':
      return well;
    case 'misplaced':
      return { kind: 'misplaced', sentence: event.sentence, untilMs: nowMs + misplacedMs };
    case 'unauthorised':
      return state.kind === 'misplaced' ? state : { kind: 'unauthorised', status: event.status };
    case 'out-of-money':
      return outOfMoney(state, nowMs + (event.forMs ?? moneyPauseMs));
    case 'busy':
      return busy(state, event.forMs, nowMs);
    case 'failed':
      return state.kind === 'well'
        ? { kind: 'well', failures: state.failures + event.weight, last: event.what }
        : state;
    case 'answered':
      return event.fullForMs === null ? answered(state) : busy(state, event.fullForMs, nowMs);
    default:
      return assertNever(event);
  }
}

/** The condition once the time of what passes by itself is over. Pure. */
export function atTime(state: Condition, nowMs: number): Condition {
  const passes = state.kind !== 'well' && state.kind !== 'unauthorised';
  return passes && state.untilMs <= nowMs ? well : state;
}

function answered(state: Condition): Condition {
  return state.kind === 'well' && state.failures > 0 ? well : state;
}

function outOfMoney(state: Condition, untilMs: number): Condition {
  if (state.kind === 'unauthorised' || state.kind === 'misplaced') return state;
  return { kind: 'out-of-money', untilMs: Math.max(untilMs, state.kind === 'out-of-money' ? state.untilMs : 0) };
}

function busy(state: Condition, forMs: number, nowMs: number): Condition {
  if (forMs > longestBusyMs) return outOfMoney(state, nowMs + forMs);
  if (state.kind !== 'well' && state.kind !== 'busy') return state;
  return { kind: 'busy', untilMs: Math.max(nowMs + forMs, state.kind === 'busy' ? state.untilMs : 0) };
}
