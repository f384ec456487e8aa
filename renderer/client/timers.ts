/** What of time the client needs; tests bring their own. */
export interface Timers {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the result takes it back. */
  after(ms: number, run: () => void): () => void;
}

/** The browser's own time. */
export const browserTimers: Timers = {
  now: () => Date.now(),
  after: (ms, run) => {
    const id = setTimeout(run, ms);
    return () => clearTimeout(id);
  },
};
