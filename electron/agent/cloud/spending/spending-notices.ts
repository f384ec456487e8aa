import type { BudgetSettings, CloudSnapshot } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { amountIn, areIn, money, softRule, wholeOf } from '../budget/budget-words.ts';
import type { Nanodollars } from '../ledger-port.ts';

/** A provider billed more than was set aside. */
export interface Exceeded {
  readonly name: string;
  readonly worst: Nanodollars;
  readonly cost: Nanodollars;
  readonly at: string;
}

/** A budget of the settings and how it stands. */
export interface BudgetFacts {
  readonly budget: BudgetSettings;
  readonly row: CloudSnapshot['budgets'][number];
  /** Since when it stands so. */
  readonly since: string;
  /** In words that follow "opens again". */
  readonly opens: string;
}

export interface SpendingFacts {
  /** Why the ledger takes nothing; null while it does. */
  readonly ledger: { readonly sentence: string; readonly since: string } | null;
  readonly velocity: { readonly sentence: string; readonly since: string } | null;
  /** When the ledger was lost, while budgets are closed for it. */
  readonly lostSince: string | null;
  readonly budgets: readonly BudgetFacts[];
  readonly exceeded: Exceeded | null;
}

/** What about money needs the operator. Pure. */
export function spendingNotices(facts: SpendingFacts): Notice[] {
  const { ledger, velocity, lostSince, exceeded } = facts;
  const notices: Notice[] = [];
  if (ledger !== null) {
    const sentence = `Nothing goes to the cloud until spending can be written down again; local models answer. ${ledger.sentence}`;
    notices.push({ id: 'cloud-ledger', severity: 'problem', sentence, since: ledger.since, fix: null });
  }
  if (velocity !== null) {
    const { sentence, since } = velocity;
    notices.push({ id: 'cloud-velocity', severity: 'warning', sentence, since, fix: resume('Resume offloading') });
  }
  if (lostSince !== null) {
    const sentence =
      'The ledger was damaged and a new one begun, so what was spent before is not known, and the budgets of that time stay closed until their periods end. Look at the bill of your providers, then count from here.';
    notices.push({
      id: 'cloud-ledger-lost',
      severity: 'warning',
      sentence,
      since: lostSince,
      fix: resume('Count from here'),
    });
  }
  if (lostSince === null) notices.push(...facts.budgets.flatMap(budgetNotice));
  if (exceeded !== null) {
    const sentence = `${exceeded.name} billed ${money(exceeded.cost)} for a request that ${money(exceeded.worst)} was set aside for; the whole sum was booked. Compare its price with the provider's and set it under "cloud.prices".`;
    notices.push({ id: 'cloud-exceeded', severity: 'warning', sentence, since: exceeded.at, fix: null });
  }
  return notices;
}

function resume(label: string): Notice['fix'] {
  return { kind: 'command', label, command: 'offload.resume', body: {} };
}

function budgetNotice({ budget, row, since, opens }: BudgetFacts): Notice[] {
  const { scope, period, unit, limit, softLimit } = budget;
  // A limit of nothing is no budget that was used up: it was meant so.
  if (row.state === 'open' || limit === 0) return [];
  const used = `${amountIn(unit, row.spent + row.reserved)} of ${wholeOf(budget)} ${areIn(unit)} spent or set aside`;
  const isClosed = row.state === 'closed';
  const sentence = isClosed
    ? `${used}: nothing more is sent to the cloud under it. It opens again ${opens}, or ${mendOf(scope)}.`
    : `${used}, and from ${amountIn(unit, softLimit ?? limit)} on ${softRule}. It opens again ${opens}.`;
  const severity = isClosed ? 'warning' : 'info';
  return [{ id: `budget-${scope}-${period}-${unit}`, severity, sentence, since, fix: null }];
}

/** How to raise a budget, after "or". */
function mendOf(scope: string): string {
  if (scope.startsWith('own-key:')) return 'raise it under Keys in the panel';
  if (scope.startsWith('own-persona:')) return 'raise its "dollarsPerDay" under "names" in the settings';
  return 'raise it under "cloud.budgets"';
}
