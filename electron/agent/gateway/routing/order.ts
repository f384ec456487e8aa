import type { Place } from './judge.ts';
import type { RouteContext } from './plan.ts';
import { prefersBest, type Stance } from './stance.ts';

/**
 * Milliseconds by which places are compared: until the first token, and once more what leaving a cache behind costs. A
 * chat that moves reads its prompt anew there (that is in `ttftMs`), and again when it comes back. Bringing a model
 * into memory counts twice as well, for it may push another out.
 */
export function scoreOf({ estimate }: Place): number {
  const read = Math.max(1, estimate.promptTokens - estimate.cachedTokens);
  const perToken = estimate.prefillMs / read;
  return estimate.ttftMs + estimate.loadMs + estimate.lostCacheTokens * perToken;
}

function isInTime(place: Place, context: RouteContext): boolean {
  return place.estimate.ttftMs <= context.goalMs;
}

/** Whether it is known, and not only guessed, that a place cannot begin in time. */
export function isSurelyLate({ estimate }: Place, context: RouteContext): boolean {
  return estimate.ttftMs - (estimate.guessedMs ?? 0) > context.goalMs;
}

/**
 * Places that cost nothing, best first. In this order: one that is on trial after failures comes last, as does one whose
 * wait is longer than the request may wait; the place that has the chat, if it can begin in time; this machine in time
 * (for quality the largest model first); a peer in time; then by the score.
 */
export function orderUnpaid(places: readonly Place[], stance: Stance, context: RouteContext): Place[] {
  const rows = places.map((place) => {
    const { upstream, breaker, hasSession } = place.option;
    const inTime = isInTime(place, context);
    const isLocal = upstream.route === 'local';
    const prefersSize = prefersBest(stance) && isLocal;
    const rank = inTime && hasSession ? 0 : inTime || prefersSize ? (isLocal ? 1 : 2) : 3;
    const last = Number(breaker.kind === 'half-open') * 2 + Number(place.estimate.waitMs > context.mostWaitMs);
    const size = prefersSize ? -place.model.sizeBytes : 0;
    const keys = [last, rank, size, inTime ? Number(!place.model.loaded) : 0, scoreOf(place), isLocal ? 0 : 1];
    return { place, keys };
  });
  return sorted(rows);
}

/**
 * Places that cost money, best first. One that is on trial comes last; then the place that has the chat in its cache; then
 * a provider whose credits are paid for already before the others, but not for a purpose, where what is set for it goes by
 * its own order; then that order; then the time of the first token, then what it may cost, a lost cache included.
 */
export function orderPaid(places: readonly Place[], stance: Stance): Place[] {
  return sorted(
    places.map((place) => {
      const { option, estimate, rank } = place;
      const isPrepaid = Number(!((option.prepaidUsd ?? 0) > 0));
      const keepsCache = option.hasSession && estimate.cachedTokens > 0;
      const order = stance === 'purpose' ? [rank, isPrepaid] : [isPrepaid, rank];
      const cost = estimate.worstUsd + (estimate.lostCacheUsd ?? 0);
      return {
        place,
        keys: [Number(option.breaker.kind === 'half-open'), Number(!keepsCache), ...order, scoreOf(place), cost],
      };
    }),
  );
}

function sorted(rows: { readonly place: Place; readonly keys: readonly number[] }[]): Place[] {
  return rows
    .toSorted((a, b) => {
      for (let index = 0; index < a.keys.length; index += 1) {
        const difference = (a.keys[index] ?? 0) - (b.keys[index] ?? 0);
        if (difference !== 0) return difference;
      }
      return 0;
    })
    .map(({ place }) => place);
}

/**
 * Whether a place will do as well as the first, so that the request may take whichever is free earlier. Not where it
 * leaves a cache behind, goes elsewhere than the first would, or has clearly more to do before its first token.
 */
export function isAsGood(place: Place, first: Place, stance: Stance, context: RouteContext): boolean {
  const staysWithCache = first.option.hasSession && first.estimate.cachedTokens > 0;
  if (staysWithCache || place.estimate.lostCacheTokens > 0) return false;
  if (place.option.upstream.route !== first.option.upstream.route || place.isPaid !== first.isPaid) return false;
  if (place.option.breaker.kind !== 'closed' || (!place.model.loaded && first.model.loaded)) return false;
  // For quality the size decides, and a smaller model will not do.
  if (prefersBest(stance) && place.model.sizeBytes < first.model.sizeBytes) return false;
  const work = ({ estimate }: Place): number => estimate.loadMs + estimate.prefillMs;
  return work(place) <= Math.max(context.goalMs, work(first) * 1.25);
}
