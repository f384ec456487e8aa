import { type ReactElement } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { causeSentence, levelWord } from '../../format/gateway.ts';
import { formatCount, formatPercent } from '../../format/numbers.ts';
import { formatLatency } from '../../format/time.ts';
import { useSnapshot } from '../../panel-context.ts';

/** How many requests run and wait, how full the node is, and what fills it most. */
export function Queue(): ReactElement {
  const gateway = useSnapshot((all) => all.gateway);
  const cause = causeSentence(gateway.saturationCause);
  return (
    <Section title="Queue" aside={<StateBadge {...levelWord(gateway.level)} />}>
      {cause !== null && (
        <p data-testid="queue-cause" className="mb-3">
          <AgentText text={cause} />
        </p>
      )}
      <dl className="grid grid-cols-3 gap-x-4 gap-y-3">
        <Fact name="Running">
          <Figure>{formatCount(gateway.inFlight)}</Figure>
        </Fact>
        <Fact name="Waiting">
          <Figure>{formatCount(gateway.queued)}</Figure>
        </Fact>
        <Fact name="Saturation">
          <Figure>{formatPercent(gateway.saturation * 100)}</Figure>
        </Fact>
        <Fact name="First token">{formatLatency(gateway.ttftMs)}</Fact>
        <Fact name="Requests">{formatCount(gateway.requestsTotal)}</Fact>
        <Fact name="Failures">{formatCount(gateway.failuresTotal)}</Fact>
      </dl>
    </Section>
  );
}

function Figure({ children }: { children: string }): ReactElement {
  return <span className="text-2xl font-semibold">{children}</span>;
}
