/** Turns the signals that ask this program to leave into an AbortSignal. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Leaves as if a signal had come. */
  now(): void;
  /** Gives the signals back to Node's own handling. */
  dispose(): void;
}

const leaving = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From now on the first of these signals aborts; a second one ends the process as it would have without us. */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  const dispose = (): void => {
    for (const name of leaving) process.off(name, now);
  };
  const now = (): void => {
    dispose();
    controller.abort();
  };
  for (const name of leaving) process.on(name, now);
  return { signal: controller.signal, now, dispose };
}
