import { useState, type ReactElement, type ReactNode } from 'react';
import { type HistoryPoint } from '../../../electron/contract/snapshot.ts';
import { Plot, type PlotLine } from '../../components/plot.tsx';
import { Section } from '../../components/section.tsx';
import { usePaint } from '../../components/use-paint.ts';
import { plotColumns, type PlotColumns } from '../../format/plot-series.ts';
import { formatClock } from '../../format/time.ts';
import { useConnection, useSnapshot } from '../../panel-context.ts';

/** A plot with the figure it ends in; under the pointer, the figure there and then. */
export function PlotCard(props: {
  title: string;
  /** The figure now, as the agent tells it. */
  now: ReactNode;
  picks: readonly ((point: HistoryPoint) => number)[];
  lines: readonly PlotLine[];
  /** Top of the axis for these columns. */
  topOf: (columns: PlotColumns) => number;
  formatY: (value: number) => string;
  /** One point in words, from its values in the order of `picks`. */
  describe: (values: readonly number[]) => string;
  /** The whole plot in words, without its title. */
  summary: (columns: PlotColumns) => string;
  height: number;
  className?: string;
  children?: ReactNode;
}): ReactElement {
  const history = useSnapshot((all) => all.history);
  const receivedAt = useConnection((state) => state.receivedAt);
  const paint = usePaint();
  const [point, setPoint] = useState<number | null>(null);
  const now = history.points.at(-1)?.at ?? receivedAt;
  const columns = plotColumns(history.points, { now, intervalMs: history.intervalMs }, props.picks);
  const under = point === null ? null : describePoint(columns, point, now, props.describe);
  return (
    <Section
      title={props.title}
      className={props.className ?? ''}
      aside={<p className="text-right">{under ?? props.now}</p>}
    >
      <Plot
        label={`${props.title}, the last five minutes: ${props.summary(columns)}`}
        columns={columns}
        lines={props.lines}
        top={props.topOf(columns)}
        height={props.height}
        formatY={props.formatY}
        paint={paint}
        onPoint={setPoint}
      />
      {props.children}
    </Section>
  );
}

function describePoint(
  [xs, ...columns]: PlotColumns,
  index: number,
  now: number,
  describe: (values: readonly number[]) => string,
): string | null {
  const x = xs[index];
  if (x === undefined) return null;
  const values = columns.map((column) => column[index] ?? null);
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? `${describe(known)} at ${formatClock(now + x * 1000)}` : null;
}
