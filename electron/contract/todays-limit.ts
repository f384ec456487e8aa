import type { CloudSnapshot } from './cloud.ts';

/**
 * The dollars that stand beside today's money on every surface, as in "$1.84 of $10.00": the lowest limit of a day over
 * everything. Null where no budget says so.
 */
export function todaysLimitUsd(budgets: Readonly<CloudSnapshot['budgets']>): number | null {
  const limits = budgets
    .filter(({ scope, period, unit }) => scope === 'all' && period === 'day' && unit === 'usd')
    .map(({ limit }) => limit);
  return limits.length === 0 ? null : Math.min(...limits);
}
