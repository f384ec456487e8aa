import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { BudgetBook } from '../budget/budget-book.ts';
import type { BudgetClock } from '../budget/budget-clock.ts';
import type { BudgetSums } from '../budget/budget-sums.ts';
import type { VelocityAlarm } from '../budget/velocity-alarm.ts';
import type { Ledger, Nanodollars } from '../ledger-port.ts';
import { nanosFrom } from '../prices/cost.ts';
import type { KeptLocal } from './kept-local.ts';
import type { PrepaidCredits } from './prepaid-credits.ts';
import { names, recall } from './remembered.ts';

export interface SpendingMemoryDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly budgetClock: BudgetClock;
  readonly sums: BudgetSums;
  readonly book: BudgetBook;
  readonly alarm: VelocityAlarm;
  readonly prepaid: PrepaidCredits;
  readonly kept: KeptLocal;
  /** Hears that it was read, or that it could not be. */
  readonly onRead: () => void;
}

const retryMs = 30_000;
const rememberMs = 60_000;
const dayMs = 86_400_000;

/** What of spending outlives the process: read from the ledger once it is open, and told to it as it changes. */
export class SpendingMemory {
  readonly #deps: SpendingMemoryDeps;
  #isLoaded = false;
  #loading: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #isStopped = false;
  #lostAt: string | null = null;
  #lostSince: string | null = null;
  #rememberedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: SpendingMemoryDeps) {
    this.#deps = deps;
  }

  /** Until then it is not known what was spent, and nothing may be. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** When an earlier ledger was lost, ISO 8601; null where none was, or the operator counts from here. */
  get lostSince(): string | null {
    return this.#lostSince;
  }

  /** Reads what was spent. Never rejects: it is tried again after a while, and may be asked again when the ledger opens. */
  load(): Promise<void> {
    if (this.#isLoaded || this.#deps.ledger.state.kind === 'closed') return Promise.resolve();
    this.#loading ??= this.#read().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.remember();
  }

  /** The latest time that budgets have seen. */
  remember(): void {
    if (!this.#isLoaded) return;
    this.#rememberedMs = this.#deps.budgetClock.now();
    this.#deps.ledger.remember(names.latest, String(this.#rememberedMs));
  }

  /** The same, where the last time is a while ago. */
  rememberNowAndThen(nowMs: number): void {
    if (nowMs - this.#rememberedMs >= rememberMs) this.remember();
  }

  /** The pause of the alarm as it is now. */
  rememberPause(): void {
    const { ledger, alarm } = this.#deps;
    ledger.remember(names.pause, alarm.pause === null ? '' : JSON.stringify(alarm.pause));
  }

  /** The operator counts from here, whatever was lost. */
  acceptLoss(): void {
    const { ledger, book } = this.#deps;
    if (this.#lostAt !== null) ledger.remember(names.lostAccepted, this.#lostAt);
    book.lostMs = null;
    this.#lostSince = null;
  }

  async #read(): Promise<void> {
    const { ledger, logger, clock, budgetClock, sums, book, alarm, prepaid, kept, onRead } = this.#deps;
    try {
      const { latestMs, pause, lostMs, lostAt } = await recall(ledger);
      if (latestMs !== null) budgetClock.atLeast(latestMs);
      const quarters = await ledger.spentSince(sums.neededSince());
      await prepaid.load();
      const { startMs } = sums.spent({ kind: 'day' }, 'all').period;
      const keptToday = await this.#keptSince(startMs);
      sums.seed(quarters);
      kept.seed(startMs, keptToday);
      if (pause !== null) alarm.restore(pause);
      this.#lostAt = lostAt;
      this.#lostSince = lostMs === null ? null : new Date(lostMs).toISOString();
      book.lostMs = lostMs;
      this.#isLoaded = true;
      this.remember();
    } catch (error) {
      logger.error({ err: error }, 'what was spent could not be read from the ledger');
      if (!this.#isStopped) this.#cancelRetry = clock.after(retryMs, () => void this.load());
    }
    onRead();
  }

  async #keptSince(sinceMs: number): Promise<Nanodollars> {
    const untilMs = sinceMs + 2 * dayMs;
    const { timeZone } = this.#deps.sums.zone;
    const { total } = await this.#deps.ledger.usage({ sinceMs, untilMs, by: 'day', timeZone });
    return nanosFrom(total.keptLocalUsd);
  }
}
