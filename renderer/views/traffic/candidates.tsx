import { type ReactElement } from 'react';
import { type Trace, type TraceCandidate } from '../../../electron/contract/trace.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { HeadRow } from '../../components/head-row.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatCount, unknown } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatLatency } from '../../format/time.ts';
import { chosenOf } from '../../format/trace.ts';
import { formatDollars } from '../../format/traffic.ts';
import { routeWord } from '../../format/words.ts';

const heads = [
  { title: 'Upstream' },
  { title: 'Because' },
  { title: 'Wait', number: true },
  { title: 'Load', number: true },
  { title: 'Reads prompt', number: true },
  { title: 'First token', number: true },
  { title: 'Cached', number: true },
  { title: 'Cost at most', number: true },
];

/** Everyone who was considered, in the order of the plan, then those that were rejected; each with its numbers. */
export function Candidates({ trace }: { trace: Trace }): ReactElement {
  const chosen = chosenOf(trace);
  const planned = trace.candidates.filter(({ verdict }) => verdict === 'planned');
  const rejected = trace.candidates.filter(({ verdict }) => verdict === 'rejected');
  return (
    <Section title="Who could have answered">
      {trace.candidates.length === 0 ? (
        <p className="text-muted">Nobody was considered: the request was refused before.</p>
      ) : (
        <table role="table" aria-label="Candidates" className="ledger ledger-pick">
          <HeadRow heads={heads} />
          <tbody role="rowgroup">
            {[...planned, ...rejected].map((candidate, index) => (
              <CandidateRow
                key={index}
                candidate={candidate}
                chosen={candidate === chosen}
                rank={candidate.verdict === 'planned' ? index + 1 : null}
              />
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function CandidateRow(props: { candidate: TraceCandidate; chosen: boolean; rank: number | null }): ReactElement {
  const { candidate, chosen, rank } = props;
  const { estimate } = candidate;
  const latency = (ms: number | undefined): string => formatLatency(ms ?? null);
  return (
    <tr role="row" data-picked={chosen ? '' : undefined}>
      <td role="cell" data-label="Upstream">
        <div>
          <span className="font-medium">
            <AgentText text={candidate.upstream} />
          </span>
          <span className="block text-muted">
            {candidate.model !== null && (
              <>
                <AgentText text={candidate.model} />,{' '}
              </>
            )}
            {routeWord(candidate.route).toLowerCase()}
          </span>
          <Verdict chosen={chosen} rank={rank} />
        </div>
      </td>
      <td role="cell" data-label="Because">
        <div className="max-w-prose" title={plainLine(candidate.reason)}>
          <AgentText text={candidate.sentence} />
          {estimate !== null && estimate.lostCacheTokens > 0 && (
            <span className="block text-hay">
              {formatCount(estimate.lostCacheTokens)} tokens cached elsewhere would be read again.
            </span>
          )}
        </div>
      </td>
      <NumberCell label="Wait" value={latency(estimate?.waitMs)} />
      <NumberCell label="Load" value={latency(estimate?.loadMs)} />
      <NumberCell label="Reads prompt" value={latency(estimate?.prefillMs)} />
      <NumberCell label="First token" value={latency(estimate?.ttftMs)} />
      <NumberCell
        label="Cached"
        value={
          estimate === null ? unknown : `${formatCount(estimate.cachedTokens)} of ${formatCount(estimate.promptTokens)}`
        }
      />
      <NumberCell label="Cost at most" value={formatDollars(estimate?.worstUsd ?? null)} />
    </tr>
  );
}

function Verdict({ chosen, rank }: { chosen: boolean; rank: number | null }): ReactElement {
  if (chosen) return <StateBadge word="Chosen" tone="well" />;
  if (rank === null) return <StateBadge word="Rejected" tone="quiet" />;
  return <StateBadge word={`Planned as ${ordinal(rank)}`} tone="busy" />;
}

function ordinal(rank: number): string {
  return ['1st', '2nd', '3rd'][rank - 1] ?? `${rank}th`;
}

function NumberCell({ label, value }: { label: string; value: string }): ReactElement {
  return (
    <td role="cell" data-label={label} data-unknown={value === unknown ? '' : undefined} className="number">
      {value}
    </td>
  );
}
