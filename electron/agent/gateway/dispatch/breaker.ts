import type { Clock } from '../../base/clock.ts';
import { assertNever, type AppError, type ErrorCode } from '../../base/errors.ts';
import type { UpstreamRoute } from '../../inference/upstream.ts';

/** Why an upstream is left out. */
export type BreakerCause = 'failing' | 'busy' | 'unauthorised' | 'out-of-money';

/** Times are monotonic milliseconds. */
export type BreakerState =
  /** `failures`: in a row; a silent one counts double, for each costs its caller a long wait. */
  | { readonly kind: 'closed'; readonly failures: number; readonly pauses: number }
  /** `untilMs` is infinite where waiting alone does not help. */
  | { readonly kind: 'open'; readonly cause: BreakerCause; readonly untilMs: number; readonly pauses: number }
  /** One request is on its way to find out whether the upstream answers again. */
  | { readonly kind: 'probing'; readonly cause: BreakerCause; readonly pauses: number };

export type BreakerEvent =
  /** A request is sent. */
  | { readonly kind: 'sent' }
  /** Its answer has begun, which may take minutes to end. */
  | { readonly kind: 'begun' }
  /** It answered, be it with a refusal of the request. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly weight: number }
  /** It is well and asked to be left alone for a while. */
  | { readonly kind: 'busy'; readonly forMs: number }
  | { readonly kind: 'unauthorised' }
  | { readonly kind: 'out-of-money'; readonly forMs: number }
  /** Nothing was learnt: the caller left, or the request was never sent. */
  | { readonly kind: 'given-up' };

const failureLimit = 5;
const firstPauseMs = 5_000;
const longestPauseMs = 60_000;
/** Nobody asks to be left alone for longer than this and means it. */
const longestBusyMs = 600_000;
/** When an account without money is tried again where nobody told when it will have some. */
const moneyPauseMs = 3_600_000;

/** Of an upstream that is well. */
const tellsNothingNew: ReadonlySet<BreakerEvent['kind']> = new Set(['begun', 'answered', 'given-up']);

const closed: BreakerState = { kind: 'closed', failures: 0, pauses: 0 };

/**
 * The state once its time is over: one that was busy is well again and takes all that comes, for it never failed. The
 * others are tried with one request first. Pure.
 */
function atTime(state: BreakerState, nowMs: number): BreakerState {
  if (state.kind !== 'open' || state.cause !== 'busy' || state.untilMs > nowMs) return state;
  return { kind: 'closed', failures: 0, pauses: state.pauses };
}

/**
 * What comes of an event. Pure. A request that was sent before the breaker opened tells it nothing new by failing. On
 * trial, the beginning of an answer lets the others in again, and one more failure shuts them out for longer.
 */
function nextBreakerState(before: BreakerState, event: BreakerEvent, nowMs: number): BreakerState {
  const state = atTime(before, nowMs);
  switch (event.kind) {
    case 'sent':
      return state.kind === 'open' ? { kind: 'probing', cause: state.cause, pauses: state.pauses } : state;
    case 'begun':
      return state.kind === 'probing' ? { kind: 'closed', failures: failureLimit - 1, pauses: state.pauses } : state;
    case 'answered':
      return state.kind === 'open' ? state : closed;
    case 'failed':
      return failed(state, event.weight, nowMs);
    case 'busy':
      return busy(state, nowMs + Math.min(event.forMs, longestBusyMs));
    case 'unauthorised':
      return open(state, 'unauthorised', Infinity);
    case 'out-of-money':
      return open(state, 'out-of-money', nowMs + event.forMs);
    case 'given-up':
      return state.kind === 'probing' ? open(state, state.cause, nowMs) : state;
    default:
      return assertNever(event);
  }
}

function failed(state: BreakerState, weight: number, nowMs: number): BreakerState {
  if (state.kind === 'open') return state;
  if (state.kind === 'closed' && state.failures + weight < failureLimit) {
    return { ...state, failures: state.failures + weight };
  }
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(state.pauses, 10));
  return { kind: 'open', cause: 'failing', untilMs: nowMs + pauseMs, pauses: state.pauses + 1 };
}

/** A request that was sent before it opened shortens no pause, and least of all one that has a worse cause. */
function busy(state: BreakerState, untilMs: number): BreakerState {
  if (state.kind !== 'open') return open(state, 'busy', untilMs);
  return state.cause === 'busy' ? open(state, 'busy', Math.max(untilMs, state.untilMs)) : state;
}

function open(state: BreakerState, cause: BreakerCause, untilMs: number): BreakerState {
  return { kind: 'open', cause, untilMs, pauses: state.pauses };
}

/**
 * What an error of an upstream says of its health.
 *
 * | what came | means |
 * |---|---|
 * | 429, 503, 529 with Retry-After | busy: left alone until then, and well after it |
 * | 429, 529 without | a failure |
 * | 503 without | nothing: an engine that loads its model says so |
 * | 401 | not authorised until the node starts again; of an engine of this machine a failure, for its key may change |
 * | 402 that is not about one request, a usage limit, an empty balance | out of money until the time told, else for an hour |
 * | other statuses of 500 and more, broken answers, no connection | a failure |
 * | silence | a failure that counts double |
 * | a refused request | the upstream is well |
 */
export function breakerEventFor(error: AppError, route: UpstreamRoute): BreakerEvent {
  const { status, retryAfterS, outOfMoney } = error.context;
  if (outOfMoney === true) {
    return { kind: 'out-of-money', forMs: typeof retryAfterS === 'number' ? retryAfterS * 1_000 : moneyPauseMs };
  }
  if (status === 401 && route !== 'local') return { kind: 'unauthorised' };
  if (error.code === 'too_busy') {
    if (typeof retryAfterS === 'number') return { kind: 'busy', forMs: retryAfterS * 1_000 };
    return status === 429 || status === 529 ? { kind: 'failed', weight: 1 } : { kind: 'given-up' };
  }
  const weight = failureWeights[error.code];
  if (weight !== undefined) return { kind: 'failed', weight };
  return refusals.has(error.code) ? { kind: 'answered' } : { kind: 'given-up' };
}

const failureWeights: Partial<Record<ErrorCode, number>> = { upstream_silent: 2, engine_failed: 1, upstream_failed: 1 };

/** What a request may be refused with by an upstream that is well. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'unsupported_capability',
  'context_length_exceeded',
  'model_not_found',
]);

/** An upstream that gets no requests, or only one that finds out whether it answers again. */
export interface LeftOut {
  readonly cause: BreakerCause;
  /** Milliseconds until it is tried again; 0 while it is, or may be; null where it is not tried again by itself. */
  readonly forMs: number | null;
  /** The same as a time, ISO 8601. */
  readonly nextTryAt: string | null;
}

/** `half-open`: the pause is over and one request may find out; while it does, `open` for all others. */
export type BreakerStanding =
  { readonly kind: 'closed' } | { readonly kind: 'open' | 'half-open'; readonly leftOut: LeftOut };

const wellStanding: BreakerStanding = { kind: 'closed' };

export interface BreakerRow {
  readonly upstream: string;
  readonly state: 'open' | 'half-open';
  readonly cause: BreakerCause;
  /** ISO 8601; null where it is not tried again by itself. */
  readonly nextTryAt: string | null;
}

/** The breakers of all upstreams. An upstream that is well has no entry, and a request to it costs one look. */
export class CircuitBreakers {
  readonly #clock: Clock;
  readonly #states = new Map<string, BreakerState>();

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  stateOf(upstreamId: string): BreakerStanding['kind'] {
    return this.standingOf(upstreamId).kind;
  }

  /** The same with what is known of one that is left out. */
  standingOf(upstreamId: string): BreakerStanding {
    const before = this.#states.get(upstreamId);
    if (before === undefined) return wellStanding;
    const nowMs = this.#clock.monotonic();
    const state = atTime(before, nowMs);
    if (state.kind === 'closed') return wellStanding;
    const leftOut = this.#leftOut(state, nowMs);
    return { kind: state.kind === 'open' && leftOut.forMs === 0 ? 'half-open' : 'open', leftOut };
  }

  /** Whether a request may be sent now; if so, what came of it must be told by {@link report}, once. */
  enter(upstreamId: string): boolean {
    const state = this.stateOf(upstreamId);
    if (state === 'open') return false;
    if (state === 'half-open') this.report(upstreamId, { kind: 'sent' });
    return true;
  }

  report(upstreamId: string, event: BreakerEvent): void {
    const before = this.#states.get(upstreamId);
    if (before === undefined && tellsNothingNew.has(event.kind)) return;
    const state = nextBreakerState(before ?? closed, event, this.#clock.monotonic());
    if (state === closed) this.#states.delete(upstreamId);
    else this.#states.set(upstreamId, state);
  }

  /** Every upstream is tried again, as after a change of the settings. */
  reset(): void {
    this.#states.clear();
  }

  /** Those that are left out now. */
  list(): BreakerRow[] {
    const nowMs = this.#clock.monotonic();
    return [...this.#states].flatMap(([upstream, before]): BreakerRow[] => {
      const state = atTime(before, nowMs);
      if (state.kind === 'closed') return [];
      const { cause, forMs, nextTryAt } = this.#leftOut(state, nowMs);
      return [{ upstream, state: forMs === 0 ? 'half-open' : 'open', cause, nextTryAt }];
    });
  }

  #leftOut(state: Exclude<BreakerState, { kind: 'closed' }>, nowMs: number): LeftOut {
    const { cause } = state;
    const forMs = state.kind === 'open' ? Math.max(0, state.untilMs - nowMs) : 0;
    if (forMs === Infinity) return { cause, forMs: null, nextTryAt: null };
    return { cause, forMs, nextTryAt: new Date(this.#clock.now() + forMs).toISOString() };
  }
}
