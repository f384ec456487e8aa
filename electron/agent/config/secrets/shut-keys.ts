import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';

/** How soon a keyring that did not open is tried again, and how seldom in the end. */
const firstRetryMs = 30_000;
const lastRetryMs = 900_000;

export interface ShutKeysDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Looks for the key of that provider again. */
  readonly askAgain: (name: string) => void;
}

interface ShutKey {
  readonly retryMs: number;
  readonly cancel: () => void;
}

/** The keys that the keyring has not given, and when it is asked for them again. */
export class ShutKeys {
  readonly #deps: ShutKeysDeps;
  readonly #shut = new Map<string, ShutKey>();

  constructor(deps: ShutKeysDeps) {
    this.#deps = deps;
  }

  get names(): readonly string[] {
    return [...this.#shut.keys()].sort();
  }

  /** The keyring did not give it. Whoever sent the question away (`dismissed`) is not asked again unasked. */
  shut(name: string, dismissed: boolean): void {
    const { clock, logger, askAgain } = this.#deps;
    const before = this.#shut.get(name);
    before?.cancel();
    const retryMs = Math.min(lastRetryMs, before === undefined ? firstRetryMs : before.retryMs * 2);
    const cancel = dismissed
      ? () => undefined
      : clock.after(retryMs, () => {
          askAgain(name);
        });
    this.#shut.set(name, { retryMs, cancel });
    if (before === undefined) logger.warn({ provider: name, dismissed }, 'the keyring does not open');
  }

  opened(name: string): void {
    this.#shut.get(name)?.cancel();
    this.#shut.delete(name);
  }

  stop(): void {
    for (const { cancel } of this.#shut.values()) cancel();
    this.#shut.clear();
  }
}
