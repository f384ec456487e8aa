import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Ask } from './ledger-questions.ts';

const firstMs = 60_000;
const everyMs = 3_600_000;

export interface CompactionRoundsDeps {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isOpen: () => boolean;
}

/** Has the writer put old rows together a minute after the start and each hour. */
export class CompactionRounds {
  readonly #keepRowsDays: () => number;
  readonly #deps: CompactionRoundsDeps;

  constructor(options: { readonly keepRowsDays: () => number }, deps: CompactionRoundsDeps) {
    this.#keepRowsDays = options.keepRowsDays;
    this.#deps = deps;
  }

  /** The result ends it. */
  start(): () => void {
    const { clock } = this.#deps;
    const cancels = [
      clock.after(firstMs, () => void this.#compact()),
      clock.every(everyMs, () => void this.#compact()),
    ];
    return () => {
      for (const cancel of cancels) cancel();
    };
  }

  async #compact(): Promise<void> {
    const { ask, clock, logger, isOpen } = this.#deps;
    if (!isOpen()) return;
    try {
      const compacted = await ask('compact', { nowMs: clock.now(), keepRowsDays: this.#keepRowsDays() });
      if (compacted.rows > 0) logger.info(compacted, 'old requests of the ledger were put together by the hour');
    } catch (error) {
      logger.warn({ err: error }, 'old requests of the ledger could not be put together');
    }
  }
}
