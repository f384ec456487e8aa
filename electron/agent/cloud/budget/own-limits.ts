import type { BudgetSettings } from '../../../contract/cloud.ts';
import type { BudgetAsk } from './budget-ask.ts';

/** The daily dollars of one key or persona, as a budget. */
export interface OwnLimit {
  /** What it counts under: `caller:ID` or `persona:NAME`. */
  readonly budget: BudgetSettings;
  /** How it is told: `own-key:NAME` or `own-persona:NAME`, apart from budgets of the settings for the same name. */
  readonly scope: string;
  /** The day in which it was last asked for. */
  readonly dayMs: number;
}

/** So many are shown at most; those asked for last. Every one of them holds, shown or not. */
const mostShown = 32;

/** The budgets that a key and a persona bring along, and those of them to show: the ones that were asked for today. */
export class OwnLimits {
  readonly #seen = new Map<string, OwnLimit>();

  /** The limits that hold for a request, noted under the day that began at `dayMs`. */
  of({ scope, dollarsPerDay, personaDollarsPerDay = null }: BudgetAsk, dayMs: number): BudgetSettings[] {
    const { caller, key, persona } = scope;
    const own = [this.#note(`caller:${caller}`, `own-key:${key ?? caller}`, dollarsPerDay, dayMs)];
    if (persona !== null) {
      own.push(this.#note(`persona:${persona}`, `own-persona:${persona}`, personaDollarsPerDay, dayMs));
    }
    return own.flatMap((limit) => limit?.budget ?? []);
  }

  /** Those that were asked for in the day that began at `dayMs`, in the order of their names. */
  shown(dayMs: number): OwnLimit[] {
    const today = [...this.#seen.values()].filter((limit) => limit.dayMs === dayMs);
    return today.toSorted((a, b) => (a.scope < b.scope ? -1 : 1));
  }

  #note(name: string, scope: string, dollars: number | null, dayMs: number): OwnLimit | null {
    this.#seen.delete(name);
    if (dollars === null) return null;
    const limit = { budget: aDay(name, dollars), scope, dayMs };
    this.#seen.set(name, limit);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= mostShown) break;
      this.#seen.delete(oldest);
    }
    return limit;
  }
}

function aDay(scope: string, limit: number): BudgetSettings {
  return { scope, period: 'day', unit: 'usd', limit, softLimit: null };
}
