import { AppError } from './errors.ts';

/** A part of the agent that is started once and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

type OnStopError = (name: string, error: unknown) => void;

/**
 * What has been started, so that stopping is the exact reverse. A part that fails to stop does not keep the others
 * from stopping, and one that is added after stopping has begun is stopped too.
 */
export class StopStack {
  readonly #parts: Part[] = [];
  #filling: Promise<unknown> = Promise.resolve();
  #onError: OnStopError | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * Runs `work`, which starts parts and pushes them. Stopping waits for it, so that nothing is taken from under a part
   * that is just being started; `work` ends at its next push.
   *
   * @throws AppError `shutting_down` when stopping has begun
   */
  fill<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopping) return Promise.reject(stoppingHasBegun());
    const filling = work();
    this.#filling = filling.catch(() => undefined);
    return filling;
  }

  /**
   * Adds a part that has just been started.
   *
   * @throws AppError `shutting_down` when stopping has begun: the part is stopped, and its owner must not go on
   */
  push(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop });
    if (!this.#stopping) return;
    this.#stopping = Promise.all([this.#stopping, this.#stopAll()]).then(() => undefined);
    throw stoppingHasBegun();
  }

  /** Stops every part in reverse order; a second call waits for the first. `onError` hears of each failure. */
  async stop(onError: OnStopError): Promise<void> {
    this.#onError ??= onError;
    this.#stopping ??= this.#stopAll();
    // A part that came late has made it a longer one meanwhile.
    for (let waited: Promise<void> | undefined; waited !== this.#stopping;) {
      waited = this.#stopping;
      await waited;
    }
  }

  async #stopAll(): Promise<void> {
    await this.#filling;
    for (;;) {
      const part = this.#parts.pop();
      if (!part) return;
      try {
        await part.stop();
      } catch (error) {
        this.#onError?.(part.name, error);
      }
    }
  }
}

function stoppingHasBegun(): AppError {
  return new AppError('shutting_down', 'The agent is stopping.');
}
