import { type ReactElement } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatRate, unknown } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, formatLatency, parseTime } from '../../format/time.ts';
import {
  askedWords,
  dialectName,
  formatDollars,
  tokenWords,
  traceAddress,
  type TrafficRow,
} from '../../format/traffic.ts';
import { activityStatus, reasonWords, routeWord } from '../../format/words.ts';
import { useNow } from '../../panel-context.ts';

export const requestHeads = [
  { title: 'When', number: false },
  { title: 'Caller', number: false },
  { title: 'Model', number: false },
  { title: 'Went to, because', number: false },
  { title: 'State', number: false },
  { title: 'Tokens in → out', number: true },
  { title: 'First token', number: true },
  { title: 'Tokens/s', number: true },
  { title: 'Cost', number: true },
] as const;

/** One request. Its time is the link to its decision; a click anywhere on the row follows it too. */
export function RequestRow({ row }: { row: TrafficRow }): ReactElement {
  const now = useNow();
  const { word, tone } = activityStatus(row);
  const address = traceAddress(row.trace);
  const open = (): void => {
    // Text that is being selected is no click.
    if (window.getSelection()?.isCollapsed !== false) window.location.hash = address;
  };
  return (
    <tr role="row" className="row-link" data-trace={plainLine(row.trace)} onClick={open}>
      <td role="cell" data-label="When" className="whitespace-nowrap">
        <a href={address} className="underline decoration-stitch underline-offset-4" aria-label={labelOf(row, now)}>
          {formatAgo(parseTime(row.at), now)}
        </a>
      </td>
      <td role="cell" data-label="Caller">
        <div>
          {row.key === null ? <span className="text-muted">No key</span> : <AgentText text={row.key} />}
          <span className="block text-muted">{dialectName(row.dialect)}</span>
        </div>
      </td>
      <td role="cell" data-label="Model">
        <div>
          <AgentText text={askedWords(row.asked)} />
          {row.answered !== null && row.answered !== row.asked && (
            <span className="block">
              <span aria-label="answered by">→ </span>
              <AgentText text={row.answered} />
            </span>
          )}
          <span className="block text-muted">
            {row.operation}
            {row.stream ? ', streamed' : ''}
          </span>
        </div>
      </td>
      <td role="cell" data-label="Went to">
        <WentTo row={row} />
      </td>
      <td role="cell" data-label="State">
        <div>
          <StateBadge word={word} tone={tone} />
          {row.error !== null && (
            <span className="block text-barn">
              <AgentText text={row.error} />
            </span>
          )}
        </div>
      </td>
      <Tokens row={row} />
      <NumberCell label="First token" value={formatLatency(row.ttftMs)} />
      <NumberCell label="Tokens/s" value={formatRate(row.tokensPerSecond)} />
      <NumberCell label="Cost" value={formatDollars(row.costUsd)} />
    </tr>
  );
}

function labelOf(row: TrafficRow, now: number): string {
  return `Request for ${plainLine(askedWords(row.asked))}, ${formatAgo(parseTime(row.at), now)}`;
}

function WentTo({ row }: { row: TrafficRow }): ReactElement {
  if (row.state === 'running' && row.upstream === null) return <span className="text-muted">Waits</span>;
  return (
    <div>
      {routeWord(row.route)}
      {row.upstream !== null && (
        <>
          , <AgentText text={row.upstream} />
        </>
      )}
      <span className="block text-muted">
        <AgentText text={reasonWords(row.reason)} />
      </span>
    </div>
  );
}

function Tokens({ row }: { row: TrafficRow }): ReactElement {
  const tokens = tokenWords(row);
  if (tokens === null) return <NumberCell label="Tokens" value={unknown} />;
  return (
    <td role="cell" data-label="Tokens" className="number">
      <div>
        {tokens.prompt} → {tokens.answer}
        {tokens.cached !== null && <span className="block text-sage">{tokens.cached}</span>}
      </div>
    </td>
  );
}

function NumberCell({ label, value }: { label: string; value: string }): ReactElement {
  return (
    <td role="cell" data-label={label} data-unknown={value === unknown ? '' : undefined} className="number">
      {value}
    </td>
  );
}
