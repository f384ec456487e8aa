import { type ReactElement } from 'react';
import { type EngineSnapshot, type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { HorseshoeGauge } from '../../components/horseshoe.tsx';
import { Fact } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatAvailability, formatPercent, formatRate } from '../../format/numbers.ts';
import { formatSpan, parseTime } from '../../format/time.ts';
import { engineKindName, nodeStateWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';
import { SwitchButton } from './switch-button.tsx';

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
  const present = [
    ...new Set(engines.filter(({ state }) => state !== 'absent').map(({ kind }) => engineKindName(kind))),
  ];
  return (
    <dl className="flex flex-wrap gap-x-10 gap-y-3">
      <Fact name="API address">
        <Copyable text={gateway.url} label="Copy the API address" />
      </Fact>
      <Fact name="Model">
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          {model === undefined ? 'None' : <AgentText text={model.id} />}
          <SwitchButton />
        </span>
      </Fact>
      <Fact name="Engine">{present.length === 0 ? 'None' : present.join(', ')}</Fact>
      <Fact name="Agent">
        <AgentText text={node.version} />, up {formatSpan(startedAt === null ? null : now - startedAt)}
      </Fact>
      <Ready availability={node.availability} />
    </dl>
  );
}

/** Share of time with an engine ready, for as long back as has been measured. */
function Ready({ availability }: { availability: NodeSnapshot['node']['availability'] }): ReactElement | null {
  const { day, week, month } = availability;
  const windows = [
    { name: '24 h', share: day },
    { name: '7 d', share: week },
    { name: '30 d', share: month },
  ].filter(({ share }) => share !== null);
  if (windows.length === 0) return null;
  return (
    <Fact name="Ready to answer">
      {windows.map(({ name, share }) => `${formatAvailability(share)} in ${name}`).join(', ')}
    </Fact>
  );
}

function sumSlots(engines: readonly EngineSnapshot[]): { total: number; busy: number } {
  return engines.reduce((sum, { slots }) => ({ total: sum.total + slots.total, busy: sum.busy + slots.busy }), {
    total: 0,
    busy: 0,
  });
}
