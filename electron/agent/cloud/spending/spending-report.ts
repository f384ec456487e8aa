import type { CloudSnapshot } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import type { BudgetBook } from '../budget/budget-book.ts';
import type { BudgetClock } from '../budget/budget-clock.ts';
import type { BudgetSums } from '../budget/budget-sums.ts';
import type { VelocityAlarm } from '../budget/velocity-alarm.ts';
import type { ChargeReserved, Ledger, Nanodollars } from '../ledger-port.ts';
import type { OffloadSwitch } from '../offload/offload-switch.ts';
import { usdFrom } from '../prices/cost.ts';
import type { KeptLocal } from './kept-local.ts';
import type { SpendingMemory } from './spending-memory.ts';
import { spendingNotices, type Exceeded } from './spending-notices.ts';

export interface SpendingReportDeps {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'state'>;
  readonly offload: OffloadSwitch;
  readonly budgetClock: BudgetClock;
  readonly sums: BudgetSums;
  readonly book: BudgetBook;
  readonly alarm: VelocityAlarm;
  readonly kept: KeptLocal;
  readonly memory: SpendingMemory;
}

interface Halt {
  readonly sentence: string;
  /** ISO 8601. */
  readonly since: string;
}

const dayMs = 86_400_000;

/** How spending stands, for snapshots and notices. */
export class SpendingReport {
  readonly #deps: SpendingReportDeps;
  /** Since when each budget has the state that it has, by scope, period and unit. */
  readonly #states = new Map<string, { readonly state: string; readonly sinceMs: number }>();
  #exceeded: Exceeded | null = null;
  #told = '';

  constructor(deps: SpendingReportDeps) {
    this.#deps = deps;
  }

  today(): NonNullable<CloudSnapshot['today']> {
    const { sums, kept, book } = this.#deps;
    const { cost, period } = sums.spent({ kind: 'day' }, 'all');
    const keptToday = kept.of(period.startMs);
    return {
      spentUsd: usdFrom(cost),
      reservedUsd: usdFrom(book.reserved('all').cost),
      keptLocalUsd: usdFrom(keptToday),
      localShare: keptToday + cost === 0 ? null : keptToday / (keptToday + cost),
    };
  }

  /** Why nothing is sent although the switch is not off. */
  paused(): CloudSnapshot['paused'] {
    if (this.#deps.offload.mode === 'off') return null;
    const ledger = this.ledger();
    if (ledger !== null) return { reason: 'ledger', ...ledger };
    const velocity = this.#velocity();
    return velocity === null ? null : { reason: 'velocity', ...velocity };
  }

  /** Why the ledger takes nothing; null while it does. */
  ledger(): Halt | null {
    const { ledger, memory, clock } = this.#deps;
    const { state } = ledger;
    if (state.kind === 'closed') return { sentence: state.sentence, since: new Date(state.sinceMs).toISOString() };
    if (memory.isLoaded) return null;
    const sentence = 'What was spent so far is still being read from the ledger. Try again in a moment.';
    return { sentence, since: new Date(clock.now()).toISOString() };
  }

  /** What about money needs the operator. Of old prices the price table tells. */
  notices(): Notice[] {
    const { offload, budgetClock, book, sums, memory, clock } = this.#deps;
    const isOff = offload.mode === 'off';
    const nowMs = budgetClock.now();
    const standings = isOff ? [] : book.standings();
    return [
      ...offload.notices(),
      ...spendingNotices({
        ledger: this.ledger(),
        velocity: this.#velocity(),
        lostSince: book.isLost ? memory.lostSince : null,
        budgets: standings.map(({ budget, row }) => {
          const opens = sums.zone.wordsFor(Date.parse(row.resetsAt), clock.now());
          return { budget, row, since: this.#stateSince(row, nowMs), opens };
        }),
        exceeded: this.#exceeded,
      }),
    ];
  }

  /** A provider billed more than was set aside; told for a day. */
  exceeded({ provider, model, worst }: ChargeReserved, cost: Nanodollars): void {
    const at = new Date(this.#deps.clock.now()).toISOString();
    this.#exceeded = { name: `${provider}/${model}`, worst, cost, at };
  }

  /** Whether anything stands otherwise than at the last look by the mere passing of time. */
  hasTurned(): boolean {
    const { clock, sums, book } = this.#deps;
    if (this.#exceeded && clock.now() - Date.parse(this.#exceeded.at) > dayMs) this.#exceeded = null;
    const { period } = sums.spent({ kind: 'day' }, 'all');
    const told = JSON.stringify([
      this.paused()?.reason,
      period.startMs,
      book.rows().map(({ state, resetsAt }) => [state, resetsAt]),
    ]);
    if (told === this.#told) return false;
    this.#told = told;
    return true;
  }

  #velocity(): Halt | null {
    const { pause } = this.#deps.alarm;
    if (pause === null) return null;
    const { budgetClock } = this.#deps;
    return { sentence: pause.sentence, since: new Date(budgetClock.toWall(pause.sinceMs)).toISOString() };
  }

  #stateSince({ scope, period, unit, state }: CloudSnapshot['budgets'][number], nowMs: number): string {
    const id = `${scope} ${period} ${unit}`;
    const known = this.#states.get(id);
    const sinceMs = known?.state === state ? known.sinceMs : nowMs;
    this.#states.set(id, { state, sinceMs });
    return new Date(this.#deps.budgetClock.toWall(sinceMs)).toISOString();
  }
}
