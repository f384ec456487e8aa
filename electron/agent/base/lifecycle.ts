/** A part of the agent that is started once and stopped once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

/**
 * What has been started, so that stopping is the exact reverse. A part that fails to stop does not keep the others
 * from stopping.
 */
export class StopStack {
  readonly #parts: Part[] = [];
  #stopping: Promise<void> | undefined;

  push(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop });
  }

  /** Stops every part in reverse order; a second call waits for the first. `onError` hears of each failure. */
  stop(onError: (name: string, error: unknown) => void): Promise<void> {
    this.#stopping ??= this.#stopAll(onError);
    return this.#stopping;
  }

  async #stopAll(onError: (name: string, error: unknown) => void): Promise<void> {
    for (;;) {
      const part = this.#parts.pop();
      if (!part) return;
      try {
        await part.stop();
      } catch (error) {
        onError(part.name, error);
      }
    }
  }
}
