import { type ReactElement } from 'react';
import { BudgetBar } from '../../components/budget-bar.tsx';
import { OffloadSwitch } from '../../components/offload-switch.tsx';
import { PausedBanner } from '../../components/paused-banner.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { budgetOfToday, budgetSentence } from '../../format/budgets.ts';
import { formatMoney, formatShare } from '../../format/money.ts';
import { offloadWord } from '../../format/offload.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

/** Whether requests may leave this machine for the cloud, and what that has cost today. */
export function Offload(): ReactElement {
  const offload = useSnapshot((all) => all.cloud.offload);
  return (
    <Section title="Offload to cloud" aside={<StateBadge {...offloadWord(offload)} />}>
      <div className="grid gap-3">
        <PausedBanner />
        <OffloadSwitch />
        <TodaysMoney />
        <p className="text-sm">
          <a href="#/money" className="underline">
            Money
          </a>{' '}
          ·{' '}
          <a href="#/money/providers" className="underline">
            Providers
          </a>
        </p>
      </div>
    </Section>
  );
}

function TodaysMoney(): ReactElement | null {
  const { budgets, today } = useSnapshot((all) => all.cloud);
  const now = useNow();
  const budget = budgetOfToday(budgets);
  const isUnknown = today === null && budget?.state === 'unknown';
  const spent = today?.spentUsd ?? budget?.spent ?? null;
  const localShare = today?.localShare ?? null;
  if (spent === null) return null;
  return (
    <div className="grid gap-1.5">
      <p className="flex flex-wrap justify-between gap-x-4">
        <span data-testid="money-today" className="font-medium">
          Today {isUnknown ? 'not known' : formatMoney(spent)}
          {budget !== null && ` of ${formatMoney(budget.limit)}`}
        </span>
        {localShare !== null && <span className="text-muted">{formatShare(localShare)} kept local</span>}
      </p>
      {budget !== null && (
        <>
          <BudgetBar budget={budget} label="Budget of today" />
          <p className="text-sm text-muted">{budgetSentence(budget, now)}</p>
        </>
      )}
    </div>
  );
}
