import { AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';

export interface AdmissionOptions {
  /** Requests that may wait; the next one is refused. */
  readonly queueLimit: number;
}

export interface AdmissionDeps {
  /** Requests that the ready upstreams work on side by side; read whenever a place is given. */
  readonly slots: () => number;
  readonly clock: Clock;
}

/** A place among the running requests. Release it exactly once; more often does no harm. */
export interface Ticket {
  readonly waitedMs: number;
  release(): void;
}

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (error: AppError) => void;
}

/** How much one more service time weighs in the running mean. */
const newestWeight = 0.2;
const longestRetryAfterS = 600;

/**
 * Lets as many requests run as the upstreams have slots, the next few wait in order, and refuses the rest at once with
 * an estimate of when to come back.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #deps: AdmissionDeps;
  /** First come, first served; a Set keeps order and lets a waiter leave from anywhere. */
  readonly #waiting = new Set<Waiter>();
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

  /** Whether the next request would have to wait. */
  get full(): boolean {
    return this.#waiting.size > 0 || this.#inFlight >= this.#slots();
  }

  /** Whole seconds until a place should be free, from the measured time that requests take. At least 1. */
  retryAfterS(): number {
    const ahead = this.#waiting.size + 1;
    const seconds = ((this.#meanServiceMs ?? 1_000) / 1_000) * (ahead / this.#slots());
    return Math.min(longestRetryAfterS, Math.max(1, Math.ceil(seconds)));
  }

  /**
   * A place at once when one is free, else after those who came before. Leaving by the signal frees the place.
   *
   * @throws AppError `too_busy` when the queue is full, `caller_gone` when aborted, `shutting_down` after close
   */
  async enter(signal: AbortSignal): Promise<Ticket> {
    if (this.#closed) throw shuttingDown();
    if (signal.aborted) throw gone();
    if (!this.full) {
      this.#inFlight += 1;
      return this.#ticket(0);
    }
    if (this.#waiting.size >= this.#options.queueLimit) {
      this.#refused += 1;
      const retryAfterS = this.retryAfterS();
      const message = `This node is busy and its queue is full. Try again in ${retryAfterS} s.`;
      throw new AppError('too_busy', message, { context: { retryAfterS } });
    }
    const sinceMs = this.#deps.clock.monotonic();
    await this.#wait(signal);
    return this.#ticket(this.#deps.clock.monotonic() - sinceMs);
  }

  /** Gives places to those who wait, as far as there are any; call when an upstream has become ready. */
  refill(): void {
    for (const waiter of this.#waiting) {
      if (this.#inFlight >= this.#slots()) return;
      this.#waiting.delete(waiter);
      // Counted here and not when the waiter wakes up, so that nobody slips in between.
      this.#inFlight += 1;
      waiter.admit();
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

  #slots(): number {
    return Math.max(1, this.#deps.slots());
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        reject(gone());
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', leave);
          resolve();
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
  #ticket(waitedMs: number): Ticket {
    const startedMs = this.#deps.clock.monotonic();
    let held = true;
    return {
      waitedMs,
      release: () => {
        if (!held) return;
        held = false;
        this.#inFlight -= 1;
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
