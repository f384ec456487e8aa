/** How long an event loop was held up, by what it did itself and by anything at all. Milliseconds. */
export interface Held {
  /** Between two looks a millisecond apart, the time beyond that: also what the machine gave to others meanwhile. */
  readonly wallMs: number;
  /** The processor's time that this thread used between two looks. */
  readonly ownMs: number;
}

/**
 * Watches the event loop of this thread. A shared machine takes the processor away for tens of milliseconds, whether or
 * not there is anything to measure: what the thread did itself tells one from the other.
 */
export class LoopWatch {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #lastOwnMs = ownTimeMs();
  #wallMs = 0;
  #ownMs = 0;

  constructor() {
    this.#timer = setInterval(() => {
      this.#look();
    }, 1);
  }

  stop(): Held {
    clearInterval(this.#timer);
    this.#look();
    return { wallMs: this.#wallMs, ownMs: this.#ownMs };
  }

  #look(): void {
    const nowMs = performance.now();
    const ownMs = ownTimeMs();
    this.#wallMs = Math.max(this.#wallMs, nowMs - this.#lastMs - 1);
    this.#ownMs = Math.max(this.#ownMs, ownMs - this.#lastOwnMs);
    this.#lastMs = nowMs;
    this.#lastOwnMs = ownMs;
  }
}

function ownTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
