import type { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';

/** Most requests that wait for a model at one time, over all engines. */
const mostWaiting = 512;

/** Where requests wait for a model. Bounded in number and in time; whoever waits is told when it makes no sense. */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #changed: Announcer<void>;
  readonly #most: number;
  readonly #leave = new Set<(error: AppError) => void>();
  #refused = 0;
  #closed = false;

  /** `changed` is announced after whatever may end a wait. */
  constructor(options: { readonly most?: number }, deps: { clock: Clock; changed: Announcer<void> }) {
    this.#most = options.most ?? mostWaiting;
    this.#clock = deps.clock;
    this.#changed = deps.changed;
  }

  /** `refused` counts those that found it full. */
  get figures(): { readonly waiting: number; readonly refused: number } {
    return { waiting: this.#leave.size, refused: this.#refused };
  }

  /**
   * Resolves with the first result of `look` that is not null, looked at now and after each change.
   *
   * @throws AppError what `look` throws; `engine_not_ready` after `limitMs` with `sentence`; `too_busy` when full;
   * `caller_gone` when aborted; `shutting_down`
   */
  async wait<T>(
    look: () => T | null,
    {
      limitMs,
      sentence,
      signal,
    }: { readonly limitMs: number; readonly sentence: string; readonly signal: AbortSignal },
  ): Promise<T> {
    const found = look();
    if (found !== null) return found;
    if (this.#closed) throw shuttingDown();
    if (signal.aborted) throw callerGone();
    if (this.#leave.size >= this.#most) {
      this.#refused += 1;
      throw new AppError('too_busy', 'Too many requests wait for a model already. Try again in a moment.');
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const onAbort = (): void => reject(callerGone());
    const cancelTimer = this.#clock.after(limitMs, () => {
      const message = `${sentence} It took longer than a request may wait (${Math.round(limitMs / 1_000)} s). Try again later.`;
      reject(new AppError('engine_not_ready', message, { context: { retryAfterS: 5 } }));
    });
    const cancelChanges = this.#changed.subscribe(() => {
      try {
        const result = look();
        if (result !== null) resolve(result);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    signal.addEventListener('abort', onAbort, { once: true });
    this.#leave.add(reject);
    try {
      return await promise;
    } finally {
      cancelTimer();
      cancelChanges();
      signal.removeEventListener('abort', onAbort);
      this.#leave.delete(reject);
    }
  }

  /** Has everybody look again. */
  look(): void {
    this.#changed.announce();
  }

  /** Sends everybody away; nobody waits from here on. */
  close(): void {
    this.#closed = true;
    for (const reject of this.#leave) reject(shuttingDown());
  }
}

function callerGone(): AppError {
  return new AppError('caller_gone', 'The request was given up while it waited for its model.');
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The node is stopping. Send the request again when it is back.');
}
