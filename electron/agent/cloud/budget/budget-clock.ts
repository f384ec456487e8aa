import type { Clock } from '../../base/clock.ts';

/** Clocks are trimmed by less than this all the time; then budgets wait rather than drift away from the wall clock. */
const jitterMs = 2_000;

/**
 * The time that budgets go by: that of the wall clock, but never back. Where the wall clock is set back, it runs on from
 * the latest time ever seen, as quickly as time passes, so that no period opens a second time and none lasts for ever.
 */
export class BudgetClock {
  readonly #clock: Clock;
  #latestMs = Number.NEGATIVE_INFINITY;
  /** When `#latestMs` was seen, by the clock that nobody sets. */
  #seenMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What an earlier run saw. */
  atLeast(latestMs: number): void {
    if (latestMs <= this.#latestMs) return;
    this.#latestMs = latestMs;
    this.#seenMs = this.#clock.monotonic();
  }

  now(): number {
    const seenMs = this.#clock.monotonic();
    const wallMs = this.#clock.now();
    const isBehind = wallMs < this.#latestMs - jitterMs;
    this.#latestMs = Math.max(wallMs, isBehind ? this.#latestMs + (seenMs - this.#seenMs) : this.#latestMs);
    this.#seenMs = seenMs;
    return Math.floor(this.#latestMs);
  }

  /** What the wall clock will show then: for people and for Retry-After. */
  toWall(budgetMs: number): number {
    const aheadMs = this.now() - this.#clock.now();
    return aheadMs > jitterMs ? budgetMs - aheadMs : budgetMs;
  }
}
