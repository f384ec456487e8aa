import { type ReactElement } from 'react';
import { type Trace } from '../../../electron/contract/trace.ts';
import { HeadRow } from '../../components/head-row.tsx';
import { Section } from '../../components/section.tsx';
import { comparisons, type Comparison } from '../../format/trace.ts';

const heads = [
  { title: 'Figure' },
  { title: 'Expected', number: true },
  { title: 'Came', number: true },
  { title: 'Side by side' },
];

/** What was expected of the upstream that answered, beside what came. */
export function Compared({ trace }: { trace: Trace }): ReactElement {
  const rows = comparisons(trace);
  return (
    <Section title="Expected, and what came">
      {rows.length === 0 ? (
        <p className="text-muted">There is nothing to compare: no upstream with an estimate answered.</p>
      ) : (
        <table role="table" aria-label="Expected and actual" className="ledger">
          <HeadRow heads={heads} />
          <tbody role="rowgroup">
            {rows.map((row) => (
              <CompareRow key={row.name} row={row} />
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function CompareRow({ row }: { row: Comparison }): ReactElement {
  return (
    <tr role="row">
      <td role="cell" data-label="Figure">
        {row.name}
      </td>
      <td role="cell" data-label="Expected" className="number">
        {row.expected}
      </td>
      <td role="cell" data-label="Came" className="number">
        {row.actual}
      </td>
      <td role="cell" data-label="Side by side" className="compare-cell">
        <div className="grid gap-1">
          <span aria-hidden className="compare compare-expected" style={{ width: widthOf(row.expectedShare) }} />
          <span aria-hidden className="compare compare-came" style={{ width: widthOf(row.actualShare) }} />
          {row.difference !== null && <span className="text-muted">{row.difference}</span>}
        </div>
      </td>
    </tr>
  );
}

/** A share of nothing is a hair, so that the row has two bars. */
function widthOf(share: number): string {
  return `${Math.max(1, share * 100).toFixed(1)}%`;
}
