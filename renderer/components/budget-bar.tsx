import { type ReactElement } from 'react';
import { budgetBar, spentOf, type Budget } from '../format/budgets.ts';
import { formatAmount } from '../format/money.ts';
import { plainLine } from '../format/plain-text.ts';

/** What was spent, what is set aside, and where the soft mark stands, of a budget's limit. */
export function BudgetBar({ budget, label }: { budget: Budget; label: string }): ReactElement {
  const { spent, reserved, soft } = budgetBar(budget);
  const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
  const words = plainLine(
    [
      `${spentOf(budget)} of ${formatAmount(budget.limit, budget.unit)} spent`,
      ...(budget.reserved > 0 ? [`${formatAmount(budget.reserved, budget.unit)} set aside`] : []),
      ...(budget.softLimit === null ? [] : [`soft mark at ${formatAmount(budget.softLimit, budget.unit)}`]),
    ].join(', '),
  );
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(spent * 100)}
      aria-valuetext={words}
      title={words}
      className="budget-bar"
      data-state={budget.state}
    >
      <span className="budget-spent" style={{ width: percent(spent) }} />
      <span className="budget-reserved" style={{ width: percent(reserved) }} />
      {soft !== null && <span className="budget-soft" style={{ left: percent(soft) }} />}
    </div>
  );
}
