import type { BudgetSettings, ProviderSettings } from '../../../contract/cloud.ts';
import type { Amount, PeriodKind } from './budget-sums.ts';
import type { Period } from './period.ts';

/**
 * How a budget stands. Amounts are whole: billionths of a dollar where it counts dollars, tokens where it counts tokens
 * or a share of a quota.
 */
export interface Reckoning {
  readonly budget: BudgetSettings;
  /** `lost`: what was spent in this period is not known. `no-quota`: a share of a quota that nobody has set. */
  readonly kind: 'known' | 'lost' | 'no-quota';
  readonly period: Period;
  /** Tokens a week, where the budget is a share of them. */
  readonly quota: number | null;
  readonly limit: number;
  readonly soft: number | null;
  readonly spent: number;
  readonly reserved: number;
}

export interface BudgetFacts {
  readonly quotaOf: (provider: string) => ProviderSettings['quota'];
  /** In the present period of that kind, under the budget's scope. */
  readonly spent: (kind: PeriodKind) => Amount & { readonly period: Period };
  readonly reserved: Amount;
  /** Until then nothing is known; null where all is. */
  readonly lostMs: number | null;
}

/** Reckons a budget. Pure. */
export function reckon(budget: BudgetSettings, facts: BudgetFacts): Reckoning {
  const { period: kind, unit, limit, softLimit } = budget;
  const share = unit === 'percent' ? quotaBehind(budget.scope, facts) : null;
  const isQuotaWeek = share !== null && kind === 'week';
  const { period, cost, tokens } = facts.spent(isQuotaWeek ? { ...share, kind: 'quota-week' } : { kind });
  const { lostMs, reserved } = facts;
  const quota = share?.tokensPerWeek ?? null;
  const whole = (amount: number): number => {
    if (unit === 'usd') return Math.round(amount * 1e9);
    return Math.floor(unit === 'tokens' ? amount : (amount / 100) * (quota ?? 0));
  };
  const isLost = lostMs !== null && lostMs >= period.startMs;
  return {
    budget,
    kind: unit === 'percent' && quota === null ? 'no-quota' : isLost ? 'lost' : 'known',
    period,
    quota,
    limit: whole(limit),
    soft: softLimit === null ? null : whole(softLimit),
    spent: unit === 'usd' ? cost : tokens,
    reserved: unit === 'usd' ? reserved.cost : reserved.tokens,
  };
}

/** The quota of the provider that the scope names, if it names one. */
function quotaBehind(scope: string, facts: BudgetFacts): ProviderSettings['quota'] {
  const provider = /^(?:provider:|model:)([^/]+)/.exec(scope)?.[1];
  return provider === undefined ? null : facts.quotaOf(provider);
}
