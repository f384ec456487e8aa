import { type ReactElement } from 'react';
import { type ActivityEntry } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatCount, formatRate, unknown } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, formatLatency, parseTime } from '../../format/time.ts';
import { askedWords, traceAddress } from '../../format/traffic.ts';
import { activityStatus, reasonWords, routeWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

/** Requests shown; the agent keeps more for those who ask. */
const shownRequests = 12;

/** The last requests: where each went and why, how it ended and how fast it was. */
export function Activity(): ReactElement {
  const activity = useSnapshot((all) => all.activity);
  const gateway = useSnapshot((all) => all.gateway);
  return (
    <Section
      title="Last requests"
      aside={
        <a href="#/traffic" className="underline">
          All requests
        </a>
      }
    >
      {activity.length === 0 ? (
        <p className="text-muted">
          No request yet. Point a program at <span className="code">{plainLine(gateway.url)}/v1</span>, or use the box
          above.
        </p>
      ) : (
        <table role="table" className="ledger">
          <thead role="rowgroup">
            <tr role="row">
              <Head>When</Head>
              <Head>Model</Head>
              <Head>Went to, because</Head>
              <Head>Status</Head>
              <Head number>Tokens in, out</Head>
              <Head number>First token</Head>
              <Head number>Tokens/s</Head>
              <Head number>Took</Head>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {activity.slice(0, shownRequests).map((entry) => (
              <ActivityRow key={entry.trace} entry={entry} />
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function Head({ number, children }: { number?: boolean; children: string }): ReactElement {
  return (
    <th role="columnheader" scope="col" className={number === true ? 'number' : ''}>
      {children}
    </th>
  );
}

function ActivityRow({ entry }: { entry: ActivityEntry }): ReactElement {
  const now = useNow();
  const { word, tone } = activityStatus(entry);
  const tokens =
    entry.promptTokens === null && entry.completionTokens === null
      ? unknown
      : `${formatCount(entry.promptTokens)}, ${formatCount(entry.completionTokens)}`;
  return (
    <tr role="row" title={`Trace ${plainLine(entry.trace)}`}>
      <td role="cell" data-label="When" className="whitespace-nowrap">
        <a
          href={traceAddress(entry.trace)}
          className="underline decoration-stitch underline-offset-4"
          aria-label={`Why: request for ${plainLine(askedWords(entry.model))}, ${formatAgo(parseTime(entry.at), now)}`}
        >
          {formatAgo(parseTime(entry.at), now)}
        </a>
      </td>
      <td role="cell" data-label="Model">
        <div>
          <AgentText text={askedWords(entry.model)} />
          <span className="block text-muted">
            {entry.operation}
            {entry.stream ? ', streamed' : ''}
          </span>
        </div>
      </td>
      <td role="cell" data-label="Went to">
        <div>
          {routeWord(entry.route)}
          {entry.upstream !== null && (
            <>
              , <AgentText text={entry.upstream} />
            </>
          )}
          <span className="block text-muted" title={plainLine(entry.reason)}>
            <AgentText text={reasonWords(entry.reason)} />
          </span>
        </div>
      </td>
      <td role="cell" data-label="Status">
        <div>
          <StateBadge word={word} tone={tone} />
          {entry.error !== null && (
            <span className="block text-barn">
              <AgentText text={entry.error} />
            </span>
          )}
        </div>
      </td>
      <NumberCell label="Tokens in, out" value={tokens} />
      <NumberCell label="First token" value={formatLatency(entry.ttftMs)} />
      <NumberCell label="Tokens/s" value={formatRate(entry.tokensPerSecond)} />
      <NumberCell label="Took" value={formatLatency(entry.durationMs)} />
    </tr>
  );
}

/** What is not known yet takes no line on a narrow screen. */
function NumberCell({ label, value }: { label: string; value: string }): ReactElement {
  return (
    <td role="cell" data-label={label} data-unknown={value === unknown ? '' : undefined} className="number">
      {value}
    </td>
  );
}
