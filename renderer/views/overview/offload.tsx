import { type ReactElement } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatClock, parseTime } from '../../format/time.ts';
import { offloadSentence } from '../../format/offload.ts';
import { useSnapshot } from '../../panel-context.ts';

const words = {
  off: { word: 'Off', tone: 'quiet' },
  auto: { word: 'When busy', tone: 'elsewhere' },
  on: { word: 'Preferred', tone: 'elsewhere' },
} as const;

/** Whether requests may leave this machine for the cloud, and what that has cost. */
export function Offload(): ReactElement {
  const cloud = useSnapshot((all) => all.cloud);
  const { word, tone } = words[cloud.offload];
  const until = parseTime(cloud.until);
  return (
    <Section title="Offload to cloud" aside={<StateBadge word={word} tone={tone} />}>
      <p>
        {offloadSentence(cloud)}
        {until !== null && ` This holds until ${formatClock(until)}.`}
      </p>
      {cloud.providers.length > 0 && (
        <ul className="mt-2 text-sm">
          {cloud.providers.map((provider) => (
            <li key={provider.id} className="flex justify-between gap-4">
              <AgentText text={provider.id} />
              <span className="text-muted">
                <AgentText text={provider.state} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {cloud.budgets.length > 0 && (
        <ul className="mt-2 text-sm">
          {cloud.budgets.map((budget) => (
            <li key={`${budget.scope} ${budget.unit}`} className="flex justify-between gap-4">
              <AgentText text={budget.scope} />
              <span>
                {budget.spent.toFixed(2)} of {budget.limit.toFixed(2)} <AgentText text={budget.unit} />
                {budget.reserved > 0 && ` (${budget.reserved.toFixed(2)} held)`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
