import type { BudgetSettings, CloudSettings, CloudSnapshot } from '../../../contract/cloud.ts';
import type { ChargeScope } from '../ledger-port.ts';
import type { BudgetAsk } from './budget-ask.ts';
import type { BudgetClock } from './budget-clock.ts';
import { addTo, namesOf, noAmount, type Amount, type BudgetSums } from './budget-sums.ts';
import { OwnLimits } from './own-limits.ts';
import { amountOf, refusal, type Refusal } from './refusal.ts';
import { reckon, type Reckoning } from './reckoning.ts';

interface Held extends Amount {
  readonly scope: ChargeScope;
}

export interface BudgetBookOptions {
  /** Read on every use: a change of budgets holds at once. */
  readonly settings: () => CloudSettings;
}

export interface BudgetBookDeps {
  readonly clock: BudgetClock;
  readonly sums: BudgetSums;
}

/** How a budget stands, under the scope by which it is told. */
export interface BudgetStanding {
  readonly budget: BudgetSettings;
  readonly row: CloudSnapshot['budgets'][number];
}

/**
 * What may be spent: spent and set aside together never exceed a hard limit. All in memory and in one go, so that however
 * many ask at once, each sees what those before it set aside. What is set aside counts in whatever period it is settled.
 */
export class BudgetBook {
  readonly #options: BudgetBookOptions;
  readonly #deps: BudgetBookDeps;
  readonly #held = new Map<string, Held>();
  readonly #reserved = new Map<string, Amount>();
  readonly #own = new OwnLimits();
  /** What was spent before then is not known: the ledger that had it was lost. */
  #lostMs: number | null = null;

  constructor(options: BudgetBookOptions, deps: BudgetBookDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Periods in which the ledger was lost stay closed: nobody knows what was spent in them. Null: count from here. */
  set lostMs(lostMs: number | null) {
    this.#lostMs = lostMs;
  }

  /** Whether any budget is closed because what was spent is not known. */
  get isLost(): boolean {
    return this.#lostMs !== null && this.#reckonings().some(({ kind }) => kind === 'lost');
  }

  /** Null: it may be spent. Else the reason that holds longest. */
  check(ask: BudgetAsk): Refusal | null {
    const nowMs = this.#deps.clock.now();
    let longest: Refusal | null = null;
    for (const budget of this.#budgetsFor(ask)) {
      const found = refusal(this.#reckon(budget), ask, { nowMs, zone: this.#deps.sums.zone });
      if (found && (longest === null || found.untilMs === null || opensLater(found, longest))) longest = found;
      if (longest?.untilMs === null) break;
    }
    return longest;
  }

  /** Sets the money aside under an id, or says why not. */
  reserve(id: string, ask: BudgetAsk): Refusal | null {
    const refused = this.check(ask);
    if (refused) return refused;
    const held: Held = { scope: ask.scope, cost: ask.worst, tokens: ask.worstTokens };
    this.#held.set(id, held);
    addTo(this.#reserved, namesOf(ask.scope), held);
    return null;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Gives back what was set aside and books what was spent, also where that is more. Once only for each id. */
  settle(id: string, spent: Amount): void {
    const held = this.#takeBack(id);
    if (held) this.#deps.sums.add(held.scope, spent);
  }

  release(id: string): void {
    this.#takeBack(id);
  }

  /** Set aside under a name of `namesOf`. */
  reserved(name: string): Amount {
    return this.#reserved.get(name) ?? noAmount;
  }

  /** Every budget of the settings and the daily dollars of keys and personas that asked today, as snapshots tell them. */
  rows(): CloudSnapshot['budgets'] {
    return this.standings().map(({ row }) => row);
  }

  /** The same with the budgets themselves. */
  standings(): BudgetStanding[] {
    const standingOf = (reckoning: Reckoning, scope: string): BudgetStanding => ({
      budget: { ...reckoning.budget, scope },
      row: { ...this.#row(reckoning), scope },
    });
    return [
      ...this.#reckonings().map((reckoning) => standingOf(reckoning, reckoning.budget.scope)),
      ...this.#own.shown(this.#today()).map(({ budget, scope }) => standingOf(this.#reckon(budget), scope)),
    ];
  }

  #reckonings(): Reckoning[] {
    return this.#options.settings().budgets.map((budget) => this.#reckon(budget));
  }

  #takeBack(id: string): Held | undefined {
    const held = this.#held.get(id);
    if (!held) return undefined;
    this.#held.delete(id);
    addTo(this.#reserved, namesOf(held.scope), { cost: -held.cost, tokens: -held.tokens });
    for (const name of namesOf(held.scope)) {
      const left = this.#reserved.get(name);
      if (left?.cost === 0 && left.tokens === 0) this.#reserved.delete(name);
    }
    return held;
  }

  #budgetsFor(ask: BudgetAsk): BudgetSettings[] {
    const names = namesOf(ask.scope);
    const budgets = this.#options.settings().budgets.filter((budget) => names.includes(budget.scope));
    return [...budgets, ...this.#own.of(ask, this.#today())];
  }

  #today(): number {
    return this.#deps.sums.spent({ kind: 'day' }, 'all').period.startMs;
  }

  #reckon(budget: BudgetSettings): Reckoning {
    const { sums } = this.#deps;
    const { providers } = this.#options.settings();
    return reckon(budget, {
      quotaOf: (provider) => (Object.hasOwn(providers, provider) ? (providers[provider]?.quota ?? null) : null),
      spent: (kind) => sums.spent(kind, budget.scope),
      reserved: this.reserved(budget.scope),
      lostMs: this.#lostMs,
    });
  }

  #row({ budget, period, quota, spent, reserved, kind, limit, soft }: Reckoning): CloudSnapshot['budgets'][number] {
    const told = (amount: number): number => amountOf(budget.unit, amount, quota);
    const used = spent + reserved;
    const isSoft = soft !== null && used >= soft;
    return {
      scope: budget.scope,
      limit: budget.limit,
      spent: told(spent),
      reserved: told(reserved),
      unit: budget.unit,
      resetsAt: new Date(this.#deps.clock.toWall(period.endMs)).toISOString(),
      period: budget.period,
      softLimit: budget.softLimit,
      state: kind !== 'known' || used >= limit ? 'closed' : isSoft ? 'soft' : 'open',
    };
  }
}

function opensLater(a: Refusal, b: Refusal): boolean {
  return a.untilMs !== null && b.untilMs !== null && a.untilMs > b.untilMs;
}
