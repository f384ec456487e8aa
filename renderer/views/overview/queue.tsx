import { type ReactElement } from 'react';
import { type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatCount, formatPercent } from '../../format/numbers.ts';
import { formatLatency } from '../../format/time.ts';
import { type Tone } from '../../format/words.ts';
import { useSnapshot } from '../../panel-context.ts';

const levels: Readonly<Record<NodeSnapshot['gateway']['level'], { word: string; tone: Tone }>> = {
  calm: { word: 'Calm', tone: 'well' },
  busy: { word: 'Busy', tone: 'busy' },
  saturated: { word: 'Saturated', tone: 'wrong' },
};

/** How many requests run and wait, and how full the node is. */
export function Queue(): ReactElement {
  const gateway = useSnapshot((all) => all.gateway);
  const { word, tone } = levels[gateway.level];
  return (
    <Section title="Queue" aside={<StateBadge word={word} tone={tone} />}>
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
