import { type ReactElement } from 'react';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { HorseshoeGauge } from '../../components/horseshoe.tsx';
import { Fact } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatAvailability, formatPercent, formatRate } from '../../format/numbers.ts';
import { formatSpan, parseTime } from '../../format/time.ts';
import { engineKindName, nodeStateWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

/** The node's own sentence about itself, beside its load. */
export function Statement(): ReactElement {
  const node = useSnapshot((all) => all.node);
  const gateway = useSnapshot((all) => all.gateway);
  const engines = useSnapshot((all) => all.engines);
  const { word, tone } = nodeStateWord(node.state);
  const slots = sumSlots(engines);
  const rate = formatRate(gateway.tokensPerSecond);
  const label = `${rate} tokens per second. ${slots.busy} of ${slots.total} slots at work, saturation ${formatPercent(gateway.saturation * 100)}.`;
  return (
    <section
      aria-label="State of this node"
      className="grid items-center gap-x-10 gap-y-4 sm:grid-cols-[13rem_minmax(0,1fr)]"
    >
      <div className="mx-auto w-44 sm:w-full">
        <HorseshoeGauge
          state={node.state}
          saturation={gateway.saturation}
          slots={slots}
          figure={rate}
          unit="tokens/s"
          label={label}
        />
      </div>
      <div className="min-w-0">
        <StateBadge word={word} tone={tone} />
        <h1 data-testid="sentence" className="mt-2 mb-5 text-2xl leading-snug sm:text-[2rem]">
          <AgentText text={node.sentence} />
        </h1>
        <StatementFacts />
      </div>
    </section>
  );
}

function StatementFacts(): ReactElement {
  const node = useSnapshot((all) => all.node);
  const gateway = useSnapshot((all) => all.gateway);
  const engines = useSnapshot((all) => all.engines);
  const models = useSnapshot((all) => all.models);
  const now = useNow();
  const startedAt = parseTime(node.startedAt);
  const model = models.find((one) => one.isDefault);
  return (
    <dl className="flex flex-wrap gap-x-10 gap-y-3">
      <Fact name="API address">
        <Copyable text={gateway.url} label="Copy the API address" />
      </Fact>
      <Fact name="Model">{model === undefined ? 'None' : <AgentText text={model.id} />}</Fact>
      <Fact name="Engine">
        {engines.length === 0 ? 'None' : engines.map((one) => engineKindName(one.kind)).join(', ')}
      </Fact>
      <Fact name="Agent">
        <AgentText text={node.version} />, up {formatSpan(startedAt === null ? null : now - startedAt)}
      </Fact>
      {node.availability.day !== null && (
        <Fact name="Ready, last day">{formatAvailability(node.availability.day)}</Fact>
      )}
    </dl>
  );
}

function sumSlots(engines: readonly EngineSnapshot[]): { total: number; busy: number } {
  return engines.reduce((sum, { slots }) => ({ total: sum.total + slots.total, busy: sum.busy + slots.busy }), {
    total: 0,
    busy: 0,
  });
}
