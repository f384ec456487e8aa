import { type HistoryPoint } from '../../electron/contract/snapshot.ts';

/** Columns as uPlot takes them: x in seconds before now (0 is now, negative before), then one column a line. */
export type PlotColumns = [number[], ...(number | null)[][]];

/** What a plot shows: the last `windowMs` before `now`. */
export const plotWindowMs = 5 * 60 * 1000;

/**
 * Columns for the points within the window. Where points are missing (the machine slept) a line breaks instead of
 * joining what lies far apart.
 */
export function plotColumns(
  points: readonly HistoryPoint[],
  options: { now: number; intervalMs: number },
  picks: readonly ((point: HistoryPoint) => number)[],
): PlotColumns {
  const { now, intervalMs } = options;
  const xs: number[] = [];
  const columns: (number | null)[][] = picks.map(() => []);
  let previous: number | null = null;
  for (const point of points) {
    if (point.at < now - plotWindowMs || point.at > now) continue;
    if (previous !== null && point.at - previous > 3 * intervalMs) {
      xs.push((previous + intervalMs - now) / 1000);
      for (const column of columns) column.push(null);
    }
    xs.push((point.at - now) / 1000);
    columns.forEach((column, index) => column.push(picks[index]?.(point) ?? null));
    previous = point.at;
  }
  return [xs, ...columns];
}

/** Highest value of a column; 0 when it has none. */
export function highest(column: readonly (number | null)[] | undefined): number {
  return (column ?? []).reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

/** The top of an axis that holds `most`: a round number a little above it, and never below `least`. */
export function axisTop(most: number, least: number): number {
  if (most <= least) return least;
  const wanted = most * 1.1;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= wanted);
  return (step ?? 10) * power;
}
