import { constants } from 'node:os';

/** Turns the signals that ask this program to leave into an AbortSignal. */
export interface Stop {
  readonly signal: AbortSignal;
  /** 128 + the number of the signal that came, as shells have it; that of SIGINT for a key that means the same. */
  readonly exitCode: number;
  /** Leaves as if a signal had come. */
  now(): void;
  /** Gives the signals back to Node's own handling. */
  dispose(): void;
}

const leaving = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From now on the first of these signals aborts; a second one ends the process as it would have without us. */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  let exitCode = 128 + constants.signals.SIGINT;
  const dispose = (): void => {
    for (const name of leaving) process.off(name, onSignal);
  };
  const now = (): void => {
    dispose();
    controller.abort();
  };
  const onSignal = (name: NodeJS.Signals): void => {
    exitCode = 128 + constants.signals[name];
    now();
  };
  for (const name of leaving) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    now,
    dispose,
  };
}
