/** The only source of time for everything that decides. Tests inject {@link ManualClock}. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. For people and files. */
  now(): number;
  /** Monotonic milliseconds, unaffected by the wall clock being set. For durations and deadlines. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`; calling the result cancels it. Does not keep the process alive. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` every `intervalMs` until the result is called. Does not keep the process alive. */
  every(intervalMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => {
      clearInterval(timer);
    };
  },
};

interface Pending {
  dueMs: number;
  readonly repeatMs: number | null;
  readonly task: () => void;
}

/** A clock that moves only when told to, running what falls due in order. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallMs: number;
  readonly #pending = new Set<Pending>();

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#pending.size;
  }

  after(delayMs: number, task: () => void): () => void {
    return this.#add({ dueMs: this.#monotonicMs + delayMs, repeatMs: null, task });
  }

  every(intervalMs: number, task: () => void): () => void {
    return this.#add({ dueMs: this.#monotonicMs + intervalMs, repeatMs: intervalMs, task });
  }

  /** Sets the wall clock without moving monotonic time, as an operator or NTP would. */
  setWallTime(nowMs: number): void {
    this.#wallMs = nowMs;
  }

  /** Moves both times forward and runs everything that falls due, earliest first. */
  advance(deltaMs: number): void {
    const endMs = this.#monotonicMs + deltaMs;
    for (;;) {
      const next = this.#earliest(endMs);
      if (!next) break;
      this.#moveTo(next.dueMs);
      if (next.repeatMs === null) this.#pending.delete(next);
      else next.dueMs += next.repeatMs;
      next.task();
    }
    this.#moveTo(endMs);
  }

  #add(pending: Pending): () => void {
    this.#pending.add(pending);
    return () => {
      this.#pending.delete(pending);
    };
  }

  #earliest(endMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueMs <= endMs && (!best || pending.dueMs < best.dueMs)) best = pending;
    }
    return best;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
