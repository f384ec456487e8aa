import { type ReactElement } from 'react';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { formatCount, unknown } from '../../format/numbers.ts';
import { plainText } from '../../format/plain-text.ts';
import { formatAgo, formatSpan, formatUntil, parseTime } from '../../format/time.ts';
import { engineKindName, engineStateWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';
import { EngineButtons } from './engine-buttons.tsx';
import { LiveLog } from './live-log.tsx';

/** The engines of this node: how each is, how it got there, and what it says. */
export function EnginesView(): ReactElement {
  const engines = useSnapshot((all) => all.engines);
  return (
    <>
      <h1 className="mb-5 text-2xl sm:text-3xl">Engines</h1>
      {engines.length === 0 ? (
        <p className="card">No engine is known to this node.</p>
      ) : (
        <div className="grid gap-5">
          {engines.map((engine) => (
            <EngineCard key={engine.id} engine={engine} alone={engines.length === 1} />
          ))}
        </div>
      )}
    </>
  );
}

function EngineCard({ engine, alone }: { engine: EngineSnapshot; alone: boolean }): ReactElement {
  const now = useNow();
  const { word, tone } = engineStateWord(engine.state);
  const since = parseTime(engine.since);
  return (
    <Section
      title={engineKindName(engine.kind)}
      aside={
        <span className="flex flex-wrap items-baseline gap-2">
          <StateBadge word={word} tone={tone} />
          <span className="text-sm text-muted">for {formatSpan(since === null ? null : now - since)}</span>
        </span>
      }
    >
      <p data-testid="engine-sentence" className="mb-1 font-serif text-lg">
        <AgentText text={engine.sentence} />
      </p>
      {engine.nextTryAt !== null && (
        <p className="mb-1 text-hay">Next start {formatUntil(parseTime(engine.nextTryAt), now)}.</p>
      )}
      <EngineButtons engine={engine} />
      <EngineFacts engine={engine} />
      {engine.lastExit !== null && <LastExit exit={engine.lastExit} />}
      <LiveLog engineId={engine.id} startOpen={alone} />
    </Section>
  );
}

function EngineFacts({ engine }: { engine: EngineSnapshot }): ReactElement {
  const now = useNow();
  const readyAt = parseTime(engine.readyAt);
  return (
    <dl className="my-4 grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3 lg:grid-cols-6">
      <Fact name="Model">
        <AgentText text={engine.model ?? 'None'} />
      </Fact>
      <Fact name="Ready for">{readyAt === null ? unknown : formatSpan(now - readyAt)}</Fact>
      <Fact name="Slots">
        {engine.slots.total === 0 ? unknown : `${engine.slots.busy} of ${engine.slots.total} at work`}
      </Fact>
      <Fact name="Memory">{formatBytes(engine.memoryBytes)}</Fact>
      <Fact name="Restarts">{formatCount(engine.restarts)}</Fact>
      <Fact name="Process">{engine.pid === null ? 'None' : engine.pid.toString()}</Fact>
      <Fact name="Version">
        <AgentText text={engine.version ?? unknown} />
      </Fact>
      <Fact name="Run by">{engine.ownership === 'owned' ? 'This agent' : 'Others; this agent only uses it'}</Fact>
      <div className="col-span-2 sm:col-span-3 lg:col-span-4">
        <Fact name="Found at">
          <span className="code">
            <AgentText text={engine.foundAt ?? unknown} />
          </span>
        </Fact>
      </div>
    </dl>
  );
}

function LastExit({ exit }: { exit: NonNullable<EngineSnapshot['lastExit']> }): ReactElement {
  const now = useNow();
  return (
    <details className="tint-hay mb-3 rounded border-l-4 border-hay px-3 py-2">
      <summary className="cursor-pointer">
        Last exit {formatAgo(parseTime(exit.at), now)}: <AgentText text={exit.reason} />
        {exit.code !== null && ` (exit code ${exit.code})`}
      </summary>
      {exit.lastLines.length === 0 ? (
        <p className="mt-2 text-muted">It said nothing before it ended.</p>
      ) : (
        <pre className="code mt-2 whitespace-pre-wrap" aria-label="Last lines before the exit" tabIndex={0}>
          <bdi>{plainText(exit.lastLines.join('\n'))}</bdi>
        </pre>
      )}
    </details>
  );
}
