import { overtakesAfter, type TurnKind } from './next-waiter.ts';
import type { LaneOutlook, Remaining } from './predicted-wait.ts';
import { RecentMap } from './recent-map.ts';

/** A request that holds a place. */
export interface Running {
  readonly caller: string;
  readonly startedMs: number;
  /** How long it was expected to hold its place, milliseconds. */
  readonly serviceMs: number;
  /** It has a model brought into memory first, so its time says nothing about others. */
  readonly loads?: boolean;
}

/** How much one more service time weighs in the running means. */
const newestWeight = 0.15;
/**
 * Expectations learn too: what the first answers of a cold start took is in the next ones already, and a stretch without
 * bounds would count it twice.
 */
const leastStretch = 0.25;
const mostStretch = 4;
/** Of the time that a request has overrun its expectation by its own age, what it is taken to need still. */
const overrunShare = 0.25;
/** As old as what an engine tells of its own load may be. */
const latelyMs = 5_000;
const endsKept = 64;
/** How far off an expectation is taken to be, as a share of it, before anything was measured; and at most. */
const firstSpread = 0.5;
const mostSpread = 2;
/** Of the refusals this share may come late, to those who were let wait for nothing; the others are told at once. */
const lateAllowed = 0.0075;
/** After this long one half of what one who waited for nothing has taught is forgotten. */
const lateHalfLifeMs = 300_000;
const mostCaution = 8;
/**
 * Callers of whom it is known when they were made good, and whose requests' spread is kept apart: some programs always
 * want the same, and can be waited for.
 */
const callerLimit = 128;

/** The requests that one upstream works on, and how its service times compare with what was expected. */
export class Lane {
  readonly #running = new Set<Running>();
  readonly #byCaller = new Map<string, number>();
  /** When the last few ended, monotonic milliseconds. */
  readonly #ends: number[] = [];
  #meanExpectedMs = 0;
  #meanActualMs = 0;
  #completions = 0;
  /** Mean square of how far off the corrected expectation was, as a share of it. */
  #meanSquare = firstSpread ** 2;
  readonly #meanSquares = new RecentMap<string, number>(callerLimit);
  #overtakes = 0;
  readonly #madeGood = new RecentMap<string, number>(callerLimit);
  #excess = 0;
  #excessAtMs = 0;

  get inFlight(): number {
    return this.#running.size;
  }

  /** Answers that have given their place back. */
  get completions(): number {
    return this.#completions;
  }

  runningOf(caller: string): number {
    return this.#byCaller.get(caller) ?? 0;
  }

  /** Places that went past those who have waited long, since one last made that good. */
  get overtakes(): number {
    return this.#overtakes;
  }

  /** The number of the last place that made good to the caller that others went first; 0 for none. */
  lastMadeGood(caller: string): number {
    return this.#madeGood.get(caller) ?? 0;
  }

  /** The place with this number, of all that were ever given, went to one of the caller's who had waited for it. */
  gave(kind: TurnKind, caller: string, number: number): void {
    this.#overtakes = overtakesAfter(kind, this.#overtakes);
    if (kind === 'made-good') this.#madeGood.set(caller, number);
  }

  /** Measured over expected service time; 1 until something was measured. */
  get stretch(): number {
    if (this.#completions === 0 || this.#meanExpectedMs === 0) return 1;
    return Math.min(mostStretch, Math.max(leastStretch, this.#meanActualMs / this.#meanExpectedMs));
  }

  add(running: Running): void {
    this.#running.add(running);
    this.#byCaller.set(running.caller, this.runningOf(running.caller) + 1);
  }

  /** A request that was let wait for this lane was sent away in the end: less is promised from now on. */
  waitedInVain(nowMs: number): void {
    this.#correct(nowMs, 1);
  }

  /**
   * A request was told at once that this lane is busy. As many of these as may come to one that waits in vain make up for
   * it: what is promised settles where the share of late refusals is the one that is allowed.
   */
  refusedAtOnce(nowMs: number): void {
    this.#correct(nowMs, -lateAllowed);
  }

  /**
   * By how much a wait that is promised has to be shorter than it may be, 1 to 8: where answers are less regular than the
   * prediction takes them to be, many would wait and then be sent away after all.
   */
  caution(nowMs: number): number {
    return 1 + this.#excessNow(nowMs);
  }

  #correct(nowMs: number, by: number): void {
    this.#excess = Math.min(mostCaution - 1, Math.max(0, this.#excessNow(nowMs) + by));
    this.#excessAtMs = nowMs;
  }

  #excessNow(nowMs: number): number {
    return this.#excess * 0.5 ** (Math.max(0, nowMs - this.#excessAtMs) / lateHalfLifeMs);
  }

  /** Requests that ended within the last 5 s, 64 at most. */
  endedLately(nowMs: number): number {
    return this.#ends.reduce((count, atMs) => count + (nowMs - atMs < latelyMs ? 1 : 0), 0);
  }

  /** The request gives its place back. */
  end(running: Running, nowMs: number): void {
    if (!this.#running.delete(running)) return;
    const tookMs = nowMs - running.startedMs;
    this.#ends.push(nowMs);
    if (this.#ends.length > endsKept) this.#ends.shift();
    const left = this.runningOf(running.caller) - 1;
    if (left > 0) this.#byCaller.set(running.caller, left);
    else this.#byCaller.delete(running.caller);
    if (running.loads === true) return;
    // The first few count as their plain mean, so that the very first is not half of all that is known for long.
    const off = tookMs / (Math.max(1, running.serviceMs) * this.stretch) - 1;
    this.#completions += 1;
    const weight = Math.max(newestWeight, 1 / this.#completions);
    this.#meanExpectedMs += weight * (Math.max(1, running.serviceMs) - this.#meanExpectedMs);
    this.#meanActualMs += weight * (tookMs - this.#meanActualMs);
    // The first says nothing of the spread: it is what the expectation is corrected by.
    if (this.#completions > 1) this.#learnSpread(running.caller, Math.min(mostSpread, off) ** 2);
  }

  outlook(slots: number, nowMs: number): LaneOutlook {
    const { stretch } = this;
    const spread = (caller: string): number => Math.sqrt(this.#meanSquares.get(caller) ?? this.#meanSquare);
    const running = [...this.#running].map(({ caller, startedMs, serviceMs }): Remaining => {
      const ageMs = nowMs - startedMs;
      const wholeMs = Math.max(1, serviceMs) * stretch;
      const leftMs = wholeMs - ageMs;
      if (leftMs > 0) return { caller, ms: leftMs, offMs: wholeMs * spread(caller) };
      return { caller, ms: ageMs * overrunShare, offMs: ageMs * spread(caller) };
    });
    return { slots, running, stretch, spread };
  }

  #learnSpread(caller: string, square: number): void {
    const known = this.#meanSquares.get(caller) ?? this.#meanSquare;
    this.#meanSquares.set(caller, known + newestWeight * (square - known));
    this.#meanSquare += newestWeight * (square - this.#meanSquare);
  }
}
