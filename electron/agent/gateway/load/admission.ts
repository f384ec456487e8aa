import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';

export interface AdmissionOptions {
  /** Requests that may wait; the next one is refused. */
  readonly queueLimit: number;
}

export interface AdmissionDeps {
  /** Requests that a lane's upstream works on side by side; read whenever a place is given. */
  readonly slots: (lane: string) => number;
  readonly clock: Clock;
}

/** A place among the running requests. Release it exactly once; more often does no harm. */
export interface Ticket {
  /** The lane whose place it is. */
  readonly lane: string;
  readonly waitedMs: number;
  release(): void;
}

interface Waiter {
  readonly lanes: Lanes;
  readonly admit: (lane: string) => void;
  readonly refuse: (error: AppError) => void;
}

/** Ids of the upstreams that may answer a request, any of which will do. */
export type Lanes = readonly [string, ...string[]];

/** How much one more service time weighs in the running mean. */
const newestWeight = 0.2;
const longestRetryAfterS = 600;

/**
 * Lets as many requests run as the upstreams have slots, the next few wait in order, and refuses the rest at once with
 * an estimate of when to come back. Every upstream has a lane of its own: requests that wait minutes for one to load
 * its model do not stand in the way of those for another.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #deps: AdmissionDeps;
  /** First come, first served; a Set keeps order and lets a waiter leave from anywhere. */
  readonly #waiting = new Set<Waiter>();
  readonly #running = new Map<string, number>();
  #inFlight = 0;
  #refused = 0;
  #closed = false;
  #meanServiceMs: number | null = null;

  constructor(options: AdmissionOptions, deps: AdmissionDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** Requests turned away because the queue was full. */
  get refused(): number {
    return this.#refused;
  }

  /** Whole seconds until a place should be free, from the measured time that requests take. At least 1. */
  retryAfterS(lanes: Lanes): number {
    let ahead = 1;
    for (const waiter of this.#waiting) if (waiter.lanes.some((lane) => lanes.includes(lane))) ahead += 1;
    const slots = lanes.reduce((sum, lane) => sum + this.#slots(lane), 0);
    const seconds = ((this.#meanServiceMs ?? 1_000) / 1_000) * (ahead / slots);
    return Math.min(longestRetryAfterS, Math.max(1, Math.ceil(seconds)));
  }

  /**
   * A place in one of the lanes, the first preferred: at once when one is free, else after those who came before.
   * Leaving by the signal frees the place.
   *
   * @throws AppError `too_busy` when the queue is full, `caller_gone` when aborted, `shutting_down` after close
   */
  async enter(signal: AbortSignal, lanes: Lanes): Promise<Ticket> {
    if (this.#closed) throw shuttingDown();
    if (signal.aborted) throw gone();
    const free = lanes.find((lane) => this.#isFree(lane) && !this.#isAwaited(lane));
    if (free !== undefined) {
      this.#take(free);
      return this.#ticket(free, 0);
    }
    if (this.#waiting.size >= this.#options.queueLimit) {
      this.#refused += 1;
      const retryAfterS = this.retryAfterS(lanes);
      const message = `This node is busy and its queue is full. Try again in ${retryAfterS} s.`;
      throw new AppError('too_busy', message, { context: { retryAfterS } });
    }
    const sinceMs = this.#deps.clock.monotonic();
    const lane = await this.#wait(signal, lanes);
    return this.#ticket(lane, this.#deps.clock.monotonic() - sinceMs);
  }

  /** Gives places to those who wait, as far as there are any; call when an upstream has become ready. */
  refill(): void {
    for (const waiter of this.#waiting) {
      const free = waiter.lanes.find((lane) => this.#isFree(lane));
      if (free === undefined) continue;
      this.#waiting.delete(waiter);
      // Counted here and not when the waiter wakes up, so that nobody slips in between.
      this.#take(free);
      waiter.admit(free);
    }
  }

  /** Refuses those who wait and all who come. */
  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiting]) {
      this.#waiting.delete(waiter);
      waiter.refuse(shuttingDown());
    }
  }

  #slots(lane: string): number {
    return Math.max(1, this.#deps.slots(lane));
  }

  #isFree(lane: string): boolean {
    return (this.#running.get(lane) ?? 0) < this.#slots(lane);
  }

  /** Whether somebody who came before waits for a place in the lane. */
  #isAwaited(lane: string): boolean {
    for (const waiter of this.#waiting) if (waiter.lanes.includes(lane)) return true;
    return false;
  }

  #take(lane: string): void {
    this.#inFlight += 1;
    this.#running.set(lane, (this.#running.get(lane) ?? 0) + 1);
  }

  #giveBack(lane: string): void {
    this.#inFlight -= 1;
    const left = (this.#running.get(lane) ?? 1) - 1;
    if (left > 0) this.#running.set(lane, left);
    else this.#running.delete(lane);
  }

  #wait(signal: AbortSignal, lanes: Lanes): Promise<string> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        reject(gone());
      };
      const waiter: Waiter = {
        lanes,
        admit: (lane) => {
          signal.removeEventListener('abort', leave);
          resolve(lane);
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** A ticket for a place that has been counted already. */
  #ticket(lane: string, waitedMs: number): Ticket {
    const startedMs = this.#deps.clock.monotonic();
    let held = true;
    return {
      lane,
      waitedMs,
      release: () => {
        if (!held) return;
        held = false;
        this.#giveBack(lane);
        const tookMs = this.#deps.clock.monotonic() - startedMs;
        this.#meanServiceMs =
          this.#meanServiceMs === null ? tookMs : this.#meanServiceMs + newestWeight * (tookMs - this.#meanServiceMs);
        this.refill();
      },
    };
  }
}

function gone(): AppError {
  return new AppError('caller_gone', 'The caller left before its turn.');
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'This node is shutting down. Send the request to another node or try later.');
}
