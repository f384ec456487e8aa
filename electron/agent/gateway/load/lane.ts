import type { LaneOutlook } from './predicted-wait.ts';

/** A request that holds a place. */
export interface Running {
  readonly caller: string;
  readonly startedMs: number;
  /** How long it was expected to hold its place, milliseconds. */
  readonly serviceMs: number;
}

/** How much one more service time weighs in the running means. */
const newestWeight = 0.15;
/** Beyond these the expectation says nothing, and the stretch would make any wait out of it. */
const leastStretch = 0.02;
const mostStretch = 50;
/** Of the time that a request has overrun its expectation by its own age, what it is taken to need still. */
const overrunShare = 0.25;
/** As old as what an engine tells of its own load may be. */
const latelyMs = 5_000;
const endsKept = 64;

/** The requests that one upstream works on, and how its service times compare with what was expected. */
export class Lane {
  readonly #running = new Set<Running>();
  readonly #byCaller = new Map<string, number>();
  /** When the last few ended, monotonic milliseconds. */
  readonly #ends: number[] = [];
  #meanExpectedMs = 0;
  #meanActualMs = 0;
  #completions = 0;

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

  /** Measured over expected service time; 1 until something was measured. */
  get stretch(): number {
    if (this.#completions === 0 || this.#meanExpectedMs === 0) return 1;
    return Math.min(mostStretch, Math.max(leastStretch, this.#meanActualMs / this.#meanExpectedMs));
  }

  add(running: Running): void {
    this.#running.add(running);
    this.#byCaller.set(running.caller, this.runningOf(running.caller) + 1);
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
    // The first few count as their plain mean, so that the very first is not half of all that is known for long.
    this.#completions += 1;
    const weight = Math.max(newestWeight, 1 / this.#completions);
    this.#meanExpectedMs += weight * (Math.max(1, running.serviceMs) - this.#meanExpectedMs);
    this.#meanActualMs += weight * (tookMs - this.#meanActualMs);
  }

  outlook(slots: number, nowMs: number): LaneOutlook {
    const { stretch } = this;
    const remainingMs = [...this.#running].map(({ startedMs, serviceMs }) => {
      const ageMs = nowMs - startedMs;
      const leftMs = Math.max(1, serviceMs) * stretch - ageMs;
      return leftMs > 0 ? leftMs : ageMs * overrunShare;
    });
    return { slots, remainingMs, stretch };
  }
}
