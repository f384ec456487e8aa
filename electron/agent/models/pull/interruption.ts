import { backoffDelayMs, type BackoffOptions } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';

/** Something that may well go away by itself: a cut, a busy server, a network that is gone for a while. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** How long the server asked to be left alone, milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;

  /** `message`: what happened, in a sentence for a person. */
  constructor(message: string, options: { retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export interface RetryOptions {
  readonly backoff: BackoffOptions;
  /** Tries in a row that bring not one byte, before it is given up. */
  readonly mostFruitless: number;
  /** The same while nothing at all has arrived yet: a wrong address should not be tried for long. */
  readonly mostFruitlessAtFirst: number;
}

export const pullRetries: RetryOptions = {
  backoff: { firstMs: 1_000, longestMs: 60_000, jitter: 0.2 },
  mostFruitless: 20,
  mostFruitlessAtFirst: 5,
};

const longestRetryAfterMs = 15 * 60_000;
const patience = 5;

/**
 * Runs `task` until it succeeds or fails for good. After an {@link Interruption} it waits and tries again, as long as
 * bytes arrive now and then.
 *
 * @throws what `task` throws; AppError `upstream_failed` when it was given up; the signal's reason when it was aborted
 */
export async function withRetries<T>(
  task: () => Promise<T>,
  options: RetryOptions,
  deps: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly signal: AbortSignal;
    /** Bytes that have arrived so far. */
    readonly arrivedBytes: () => number;
    /** Hears what happened and when the next try is. */
    readonly note: (sentence: string) => void;
  },
): Promise<T> {
  let fruitless = 0;
  for (;;) {
    const before = deps.arrivedBytes();
    try {
      return await task();
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof Interruption)) throw error;
      fruitless = deps.arrivedBytes() > before ? 1 : fruitless + 1;
      const most = deps.arrivedBytes() > 0 ? options.mostFruitless : options.mostFruitlessAtFirst;
      // A server that names its time is given more of it.
      if (fruitless >= (error.retryAfterMs === null ? most : most * patience)) {
        throw new AppError(
          'upstream_failed',
          `${error.message} It was tried ${fruitless} times. What has arrived is kept: resume the pull later.`,
          { cause: error },
        );
      }
      const delayMs =
        error.retryAfterMs === null
          ? backoffDelayMs(fruitless, deps.random(), options.backoff)
          : Math.min(Math.max(error.retryAfterMs, options.backoff.firstMs), longestRetryAfterMs);
      deps.note(`${error.message} It goes on in ${inWords(delayMs)}.`);
      await pause(delayMs, deps.clock, deps.signal);
    }
  }
}

/** Resolves after a time; rejects with the signal's reason as soon as it is aborted. */
function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(reasonOf(signal));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * What `Retry-After` asks for, milliseconds; null when there is none that can be read.
 *
 * @param nowMs wall time, for headers that name a date
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

function inWords(delayMs: number): string {
  const seconds = Math.max(1, Math.round(delayMs / 1_000));
  return seconds === 1 ? 'a second' : seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}
