import { type ReactElement } from 'react';
import { HeadRow } from '../../components/head-row.tsx';
import { Section } from '../../components/section.tsx';
import { formatMoney, formatShare } from '../../format/money.ts';
import { formatCount, formatRate } from '../../format/numbers.ts';
import { formatLatency } from '../../format/time.ts';
import { usageSides, type UsageSide } from '../../format/usage.ts';
import { type UsageLook } from '../../stores/usage.ts';

const fills: Readonly<Record<UsageSide['id'], string>> = { local: 'bg-sage', peer: 'bg-hay', cloud: 'bg-creek' };

/** Local against cloud: how much each answered, what it cost, how quick it was, how often it failed. */
export function Sides({ look }: { look: UsageLook | null }): ReactElement {
  return (
    <Section
      title="Here against the cloud"
      aside={
        look !== null && (
          <p>
            <span data-testid="local-share" className="text-xl font-semibold">
              {formatShare(look.table.localShare)}
            </span>{' '}
            <span className="text-muted">kept local, by value</span>
          </p>
        )
      }
    >
      {look === null ? <p className="text-muted">Looking into the ledger.</p> : <Compared look={look} />}
    </Section>
  );
}

function Compared({ look }: { look: UsageLook }): ReactElement {
  const sides = usageSides(look.table);
  const { total } = look.table;
  if (total.requests === 0) return <p className="text-muted">No request in this time.</p>;
  const rows: readonly { name: string; of: (side: UsageSide) => string }[] = [
    { name: 'Requests', of: ({ row }) => formatCount(row.requests) },
    { name: 'Share', of: ({ share }) => formatShare(share) },
    { name: 'Failed', of: ({ row }) => failedWords(row) },
    { name: 'Cost', of: ({ row }) => formatMoney(row.costUsd) },
    { name: 'Kept local', of: ({ id, row }) => (id === 'cloud' ? '' : formatMoney(row.keptLocalUsd)) },
    { name: 'First token', of: ({ row }) => formatLatency(row.ttftMs) },
    { name: 'Tokens/s', of: ({ row }) => formatRate(row.tokensPerSecond) },
    { name: 'Tokens out', of: ({ row }) => formatCount(row.outputTokens) },
  ];
  return (
    <>
      <table className="sides" aria-label="Here against the cloud">
        <HeadRow heads={[{ title: '' }, ...sides.map(({ title }) => ({ title, number: true }))]} />
        <tbody>
          {rows.map(({ name, of }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {sides.map((side) => (
                <td key={side.id}>
                  {of(side)}
                  {name === 'Share' && <ShareBar side={side} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {total.estimatedUsd > 0 && (
        <p className="mt-2 text-sm text-muted">
          {formatMoney(total.estimatedUsd)} of the cost was booked without the provider’s own count.
        </p>
      )}
    </>
  );
}

function ShareBar({ side }: { side: UsageSide }): ReactElement {
  return (
    <span aria-hidden className="side-bar mt-1">
      <span className={`side-fill ${fills[side.id]}`} style={{ width: `${((side.share ?? 0) * 100).toFixed(1)}%` }} />
    </span>
  );
}

function failedWords(row: UsageSide['row']): string {
  if (row.requests === 0) return formatCount(row.failed);
  return row.failed === 0 ? '0' : `${formatCount(row.failed)} (${formatShare(row.failed / row.requests)})`;
}
