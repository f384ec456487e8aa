import { type ReactElement } from 'react';
import { type QueryAnswer } from '../../../electron/contract/control.ts';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { managerWords } from '../../format/engine-actions.ts';
import { formatCount, unknown } from '../../format/numbers.ts';
import { plainLine, plainText } from '../../format/plain-text.ts';
import { formatAgo, formatSpan, formatUntil, parseTime } from '../../format/time.ts';
import { engineKindName, engineStateWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';
import { EngineButtons } from './engine-buttons.tsx';
import { InstallProgress } from './install-progress.tsx';
import { LiveLog } from './live-log.tsx';
import { Processes } from './processes.tsx';
import { ReadyFigures } from './readiness.tsx';

interface CardProps {
  readonly engine: EngineSnapshot;
  /** The only engine shows its log at once. */
  readonly alone: boolean;
  readonly readiness: QueryAnswer<'availability'> | null;
}

/** One engine that is here. */
export function EngineCard({ engine, alone, readiness }: CardProps): ReactElement {
  const now = useNow();
  const { word, tone } = engineStateWord(engine.state);
  const since = parseTime(engine.since);
  const install = useSnapshot(({ installs }) => installs.find(({ kind }) => kind === engine.kind) ?? null);
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
      {install !== null && install.state === 'running' && <InstallProgress install={install} />}
      <EngineButtons engine={engine} />
      <EngineFacts engine={engine} />
      {engine.lastExit !== null && <LastExit exit={engine.lastExit} startOpen={engine.state === 'failed'} />}
      <Advice advice={engine.advice} />
      <Processes processes={engine.processes} />
      <ReadyFigures
        availability={engine.availability}
        engineId={engine.id}
        name={engineKindName(engine.kind)}
        answer={readiness}
      />
      {engine.ownership === 'owned' && <LiveLog engineId={engine.id} startOpen={alone} />}
    </Section>
  );
}

function EngineFacts({ engine }: { engine: EngineSnapshot }): ReactElement {
  const now = useNow();
  const readyAt = parseTime(engine.readyAt);
  const manager = managerWords(engine.manager);
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
      <Fact name="Run by">{manager ?? 'this node'}</Fact>
      <Wide>
        <Fact name="Address">
          <span className="code">{engine.url === null ? 'Private to this node' : <AgentText text={engine.url} />}</span>
        </Fact>
      </Wide>
      <Wide>
        <Fact name="Found at">
          <span className="code">
            <AgentText text={engine.foundAt ?? unknown} />
          </span>
        </Fact>
      </Wide>
    </dl>
  );
}

function Wide({ children }: { children: ReactElement }): ReactElement {
  return <div className="col-span-2 min-w-0">{children}</div>;
}

function LastExit(props: { exit: NonNullable<EngineSnapshot['lastExit']>; startOpen: boolean }): ReactElement {
  const { exit } = props;
  const now = useNow();
  const lines = exit.lastLines;
  const look = props.startOpen ? 'border-barn tint-barn' : 'border-hay tint-hay';
  return (
    <details open={props.startOpen} className={`mb-4 rounded border-l-4 px-3 py-2 ${look}`}>
      <summary className="cursor-pointer">
        Last exit {formatAgo(parseTime(exit.at), now)}: <AgentText text={exit.reason} />
        {exit.code !== null && ` (exit code ${exit.code})`}
        {lines.length > 0 && (
          <span className="text-muted">, its last {lines.length === 1 ? 'line' : `${lines.length} lines`}</span>
        )}
      </summary>
      {lines.length === 0 ? (
        <p className="mt-2 text-muted">It said nothing before it ended.</p>
      ) : (
        <pre
          className="code mt-2 max-h-72 overflow-auto whitespace-pre-wrap"
          aria-label="Last lines before the exit"
          tabIndex={0}
        >
          <bdi>{plainText(lines.join('\n'))}</bdi>
        </pre>
      )}
    </details>
  );
}

/** What the operator can do to make the engine better, as lines to take to a terminal. */
function Advice({ advice }: { advice: EngineSnapshot['advice'] }): ReactElement | null {
  if (advice.length === 0) return null;
  return (
    <ul aria-label="Advice" className="mb-4 grid gap-2">
      {advice.map(({ sentence, lines }) => (
        <li key={sentence} className="tint-creek rounded border-l-4 border-creek px-3 py-2">
          <p>
            <AgentText text={sentence} />
          </p>
          {lines.length > 0 && (
            <ul className="mt-2 grid gap-1.5">
              {lines.map((line) => (
                <li key={line}>
                  <Copyable text={line} label={`Copy: ${plainLine(line)}`} />
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}
