import type { Priority } from '../../../contract/routing.ts';
import type { AdmissionAsk } from './ask.ts';

/** A request that waits, as far as the order depends on it. */
export interface Waiting {
  readonly ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
}

/** What the order among those who wait depends on, beside themselves. */
export interface Standing {
  readonly nowMs: number;
  /** After this long a request counts as one of the next higher class, so that none waits for ever. */
  readonly promoteAfterMs: number;
  /** Requests of the caller that run in a lane. */
  running(lane: string, caller: string): number;
  /** Grows with every place that is given; 0 for a caller who has had none. */
  lastServed(caller: string): number;
}

const ranks: Readonly<Record<Priority, number>> = { low: 0, normal: 1, high: 2 };

/** The class that a request counts as now: its own, and one more for every `promoteAfterMs` that it has waited. */
export function rankOf({ ask, sinceMs }: Waiting, { nowMs, promoteAfterMs }: Standing): number {
  const waitedMs = Math.max(0, nowMs - sinceMs);
  return Math.min(ranks.high, ranks[ask.priority] + Math.floor(waitedMs / promoteAfterMs));
}

/**
 * Who gets the place that is free in the lane, of those who wait, given in the order in which they came; null when none
 * waits for this lane:
 * 1. the highest class;
 * 2. within it the caller that has the fewest running there;
 * 3. then the caller whose last place is longest ago;
 * 4. then whoever came first.
 */
export function nextWaiter<Waiter extends Waiting>(
  waiting: Iterable<Waiter>,
  lane: string,
  standing: Standing,
): Waiter | null {
  let best: { waiter: Waiter; rank: number; running: number; served: number } | null = null;
  for (const waiter of waiting) {
    const { ask } = waiter;
    if (!ask.lanes.includes(lane)) continue;
    const rank = rankOf(waiter, standing);
    if (best !== null && rank < best.rank) continue;
    const running = standing.running(lane, ask.caller);
    const served = standing.lastServed(ask.caller);
    const ahead =
      best === null || rank > best.rank || running < best.running || (running === best.running && served < best.served);
    if (ahead) best = { waiter, rank, running, served };
  }
  return best?.waiter ?? null;
}

/**
 * Who has to go so that a full queue takes the newcomer; null when the newcomer has to. The lowest class goes first. Of
 * equals it is the caller with the most waiting, if that is at least two more than the newcomer has: one program's flood
 * does not close the queue to the others. It loses the one that came last.
 */
export function displacedBy<Waiter extends Waiting>(
  waiting: Iterable<Waiter>,
  newcomer: Waiting,
  standing: Standing,
): Waiter | null {
  const counts = new Map<string, number>();
  const all = [...waiting];
  for (const { ask } of all) counts.set(ask.caller, (counts.get(ask.caller) ?? 0) + 1);
  let worst: { waiter: Waiter; rank: number; count: number } | null = null;
  for (const waiter of all) {
    const rank = rankOf(waiter, standing);
    const count = counts.get(waiter.ask.caller) ?? 0;
    if (worst === null || rank < worst.rank || (rank === worst.rank && count >= worst.count)) {
      worst = { waiter, rank, count };
    }
  }
  if (worst === null) return null;
  const rank = rankOf(newcomer, standing);
  if (worst.rank < rank) return worst.waiter;
  const own = counts.get(newcomer.ask.caller) ?? 0;
  return worst.rank === rank && worst.count >= own + 2 ? worst.waiter : null;
}

/**
 * Those who will get a place before the newcomer does, were nobody else to come: all of a higher class, its own caller's
 * earlier ones, and of each other caller as many as get their turn first when places go round.
 */
export function aheadOf<Waiter extends Waiting>(
  waiting: Iterable<Waiter>,
  newcomer: Waiting,
  standing: Standing,
): Waiter[] {
  const { lanes, caller } = newcomer.ask;
  const rank = rankOf(newcomer, standing);
  const runningOf = (who: string): number => lanes.reduce((sum, lane) => sum + standing.running(lane, who), 0);
  const ahead: Waiter[] = [];
  const equals: { waiter: Waiter; turn: number }[] = [];
  const turns = new Map<string, number>();
  for (const waiter of waiting) {
    if (!waiter.ask.lanes.some((lane) => lanes.includes(lane))) continue;
    const theirs = rankOf(waiter, standing);
    if (theirs > rank) ahead.push(waiter);
    if (theirs !== rank) continue;
    // As many of its caller's run or go before it, so many rounds pass until its turn.
    const turn = turns.get(waiter.ask.caller) ?? runningOf(waiter.ask.caller);
    turns.set(waiter.ask.caller, turn + 1);
    equals.push({ waiter, turn });
  }
  const running = runningOf(caller);
  const own = turns.get(caller) ?? running;
  const callers = [...turns.keys()];
  for (const { waiter, turn } of equals) {
    const who = waiter.ask.caller;
    if (who === caller || turn < own || (turn === own && wasEarlier(who))) ahead.push(waiter);
  }
  return ahead;

  /**
   * In the same round goes first whoever had the round before it earlier: one that had it already, then the one that was
   * served longer ago, then the one whose first came first.
   */
  function wasEarlier(who: string): boolean {
    const theirs = runningOf(who);
    if (theirs !== running) return theirs > running;
    const [served, ownServed] = [standing.lastServed(who), standing.lastServed(caller)];
    if (served !== ownServed) return served < ownServed;
    return !turns.has(caller) || callers.indexOf(who) < callers.indexOf(caller);
  }
}
