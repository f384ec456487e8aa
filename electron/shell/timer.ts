/** What the shell needs of time; tests put their own in its place. */
export interface Timer {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `task` once after `delayMs`; calling the result cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

export const systemTimer: Timer = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
