import { useState, type ReactElement } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { BudgetBar } from '../../components/budget-bar.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import {
  budgetSentence,
  budgetStateWord,
  periodWords,
  scopeWords,
  spentOf,
  type Budget,
} from '../../format/budgets.ts';
import { formatAmount, formatMoney, formatShare } from '../../format/money.ts';
import { plainLine } from '../../format/plain-text.ts';
import { useConnection, useNow, useSnapshot } from '../../panel-context.ts';
import { BudgetsDialog } from './budgets-dialog.tsx';

/** What was spent today, and how every budget stands. */
export function Budgets(): ReactElement {
  const { budgets, today } = useSnapshot((all) => all.cloud);
  const live = useConnection((state) => state.connection.phase === 'live');
  const [open, setOpen] = useState(false);
  return (
    <Section
      title="Today"
      aside={
        <button type="button" className="button" disabled={!live} onClick={() => setOpen(true)}>
          Change the budgets…
        </button>
      }
    >
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-4">
        <Figure name="Spent" value={formatMoney(today?.spentUsd ?? null)} />
        <Figure name="Set aside" value={formatMoney(today?.reservedUsd ?? null)} />
        <Figure name="Kept local" value={formatMoney(today?.keptLocalUsd ?? null)} />
        <Figure name="Local share" value={formatShare(today?.localShare ?? null)} />
      </dl>
      <p className="mt-2 text-sm text-muted">
        “Kept local” is what the cheapest cloud model that could have stood in would have cost. The share is that
        against what was spent.
      </p>
      {budgets.length === 0 ? (
        <p className="mt-4 text-hay">No budget limits what may be spent. Set one before you offload.</p>
      ) : (
        <>
          <ul className="mt-4 grid gap-4">
            {budgets.map((budget) => (
              <BudgetRow key={`${budget.scope} ${budget.period} ${budget.unit}`} budget={budget} />
            ))}
          </ul>
          <p aria-hidden className="mt-3 flex flex-wrap gap-x-4 text-sm text-muted">
            <span>
              <span className="budget-key bg-leather" />
              Spent
            </span>
            <span>
              <span className="budget-key budget-reserved" />
              Set aside
            </span>
            <span>
              <span className="budget-key budget-key-soft" />
              Soft mark
            </span>
          </p>
        </>
      )}
      {open && <BudgetsDialog onClose={() => setOpen(false)} />}
    </Section>
  );
}

function Figure({ name, value }: { name: string; value: string }): ReactElement {
  return (
    <Fact name={name}>
      <span className="text-2xl font-semibold">{value}</span>
    </Fact>
  );
}

function BudgetRow({ budget }: { budget: Budget }): ReactElement {
  const providers = useSnapshot((all) => all.cloud.providers);
  const now = useNow();
  const { word, tone } = budgetStateWord(budget.state);
  const name = `${scopeWords(budget.scope, providers)}, ${periodWords(budget.period)}`;
  return (
    <li className="grid gap-1.5" data-testid={`budget ${plainLine(budget.scope)}`}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <span className="font-medium">
          <AgentText text={name} />
        </span>
        <span className="flex flex-wrap items-baseline gap-x-3">
          <span>
            <AgentText text={spentOf(budget)} /> of <AgentText text={formatAmount(budget.limit, budget.unit)} />
          </span>
          <StateBadge word={plainLine(word)} tone={tone} />
        </span>
      </div>
      <BudgetBar budget={budget} label={plainLine(`Budget: ${name}`)} />
      <p className="text-sm text-muted">
        <AgentText text={budgetSentence(budget, now)} />
        {budget.reserved > 0 && (
          <>
            {' '}
            <AgentText text={formatAmount(budget.reserved, budget.unit)} /> set aside for what is under way.
          </>
        )}
      </p>
    </li>
  );
}
