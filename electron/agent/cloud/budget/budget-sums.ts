import type { BudgetPeriod, CloudSettings } from '../../../contract/cloud.ts';
import type { ChargeScope, Nanodollars, SpentQuarter } from '../ledger-port.ts';
import type { BudgetClock } from './budget-clock.ts';
import { periodAt, quotaWeekAt, type Period } from './period.ts';
import { ZonedTime, zoneNamed } from './zoned-time.ts';

export interface Amount {
  readonly cost: Nanodollars;
  readonly tokens: number;
}
export const noAmount: Amount = { cost: 0, tokens: 0 };

/** A period that budgets are reckoned by: of the calendar, or the week of a provider's quota. */
export type PeriodKind =
  | { readonly kind: BudgetPeriod }
  | { readonly kind: 'quota-week'; readonly resetDay: number; readonly resetHour: number };

/** What is under every name of `namesOf` in one period. */
interface Tally {
  readonly period: Period;
  readonly zone: ZonedTime;
  readonly sums: Map<string, Amount>;
}

const quarterMs = 15 * 60_000;
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** The names under which a charge counts: scopes of budgets, and `caller:ID`. */
export function namesOf({ provider, model, caller, key, persona }: ChargeScope): readonly string[] {
  const names = ['all', `provider:${provider}`, `model:${provider}/${model}`, `caller:${caller}`];
  if (key !== null) names.push(`key:${key}`);
  if (persona !== null) names.push(`persona:${persona}`);
  return names;
}

/** Adds to what stands under each name. */
export function addTo(sums: Map<string, Amount>, names: readonly string[], { cost, tokens }: Amount): void {
  for (const name of names) {
    const before = sums.get(name) ?? noAmount;
    sums.set(name, { cost: before.cost + cost, tokens: before.tokens + tokens });
  }
}

/**
 * What was spent, by quarters of an hour and scope, so that any budget can be reckoned at any moment; and, for the
 * periods that are asked for, running sums, so that asking costs next to nothing.
 */
export class BudgetSums {
  readonly #settings: () => CloudSettings;
  readonly #clock: BudgetClock;
  readonly #quarters = new Map<number, Map<string, SpentQuarter>>();
  readonly #tallies = new Map<string, Tally>();
  #zone: { readonly of: string | null; readonly time: ZonedTime } | null = null;

  constructor(options: { settings: () => CloudSettings }, deps: { clock: BudgetClock }) {
    this.#settings = options.settings;
    this.#clock = deps.clock;
  }

  get zone(): ZonedTime {
    const { timeZone } = this.#settings();
    if (this.#zone?.of !== timeZone) this.#zone = { of: timeZone, time: new ZonedTime(zoneNamed(timeZone)) };
    return this.#zone.time;
  }

  /** From when on sums are needed: the longest period that any budget may have, and a week for the alarm. */
  neededSince(): number {
    const nowMs = this.#clock.now();
    return Math.min(periodAt('month', nowMs, this.zone).startMs - dayMs, nowMs - 8 * dayMs);
  }

  /** What the ledger has; in the place of all that is known here. */
  seed(quarters: readonly SpentQuarter[]): void {
    this.#quarters.clear();
    this.#tallies.clear();
    for (const quarter of quarters) {
      this.#clock.atLeast(quarter.quarterMs);
      this.#keep(quarter);
    }
  }

  add(scope: ChargeScope, amount: Amount): void {
    const nowMs = this.#clock.now();
    const { provider, model, caller, key, persona } = scope;
    const start = Math.floor(nowMs / quarterMs) * quarterMs;
    if (!this.#quarters.has(start)) this.#forget();
    this.#keep({ provider, model, caller, key, persona, quarterMs: start, ...amount });
    const names = namesOf(scope);
    for (const { period, sums } of this.#tallies.values()) {
      if (nowMs >= period.startMs && nowMs < period.endMs) addTo(sums, names, amount);
    }
  }

  /** The present period of that kind, and what was spent in it under a name of `namesOf`. */
  spent(kind: PeriodKind, name: string): Amount & { readonly period: Period } {
    const { period, sums } = this.#tally(kind);
    return { period, ...(sums.get(name) ?? noAmount) };
  }

  /** Billionths of a dollar in each of the last full hours, oldest first. */
  hourly(hours: number): Nanodollars[] {
    const endMs = Math.floor(this.#clock.now() / hourMs) * hourMs;
    const costs = Array.from<number>({ length: hours }).fill(0);
    for (const [start, scopes] of this.#quarters) {
      const index = hours - Math.ceil((endMs - start) / hourMs);
      if (start >= endMs || index < 0) continue;
      for (const { cost } of scopes.values()) costs[index] = (costs[index] ?? 0) + cost;
    }
    return costs;
  }

  #keep(quarter: SpentQuarter): void {
    const { provider, model, caller, key, persona } = quarter;
    const scopes = this.#quarters.get(quarter.quarterMs) ?? new Map<string, SpentQuarter>();
    this.#quarters.set(quarter.quarterMs, scopes);
    const scope = JSON.stringify([provider, model, caller, key, persona]);
    const { cost, tokens } = scopes.get(scope) ?? noAmount;
    scopes.set(scope, { ...quarter, cost: cost + quarter.cost, tokens: tokens + quarter.tokens });
  }

  #forget(): void {
    const sinceMs = this.neededSince();
    for (const start of this.#quarters.keys()) if (start < sinceMs) this.#quarters.delete(start);
  }

  #tally(kind: PeriodKind): Tally {
    const nowMs = this.#clock.now();
    const zone = this.zone;
    const id = kind.kind === 'quota-week' ? `${kind.kind} ${kind.resetDay} ${kind.resetHour}` : kind.kind;
    const known = this.#tallies.get(id);
    if (known?.zone === zone && nowMs < known.period.endMs && nowMs >= known.period.startMs) return known;
    const period = kind.kind === 'quota-week' ? quotaWeekAt(nowMs, kind, zone) : periodAt(kind.kind, nowMs, zone);
    const tally: Tally = { period, zone, sums: new Map() };
    for (const [start, scopes] of this.#quarters) {
      if (start < period.startMs || start >= period.endMs) continue;
      for (const quarter of scopes.values()) addTo(tally.sums, namesOf(quarter), quarter);
    }
    this.#tallies.set(id, tally);
    return tally;
  }
}
