import type { ActivityEntry } from '../../contract/snapshot.ts';
import { count, speed, timeOfDay, took } from './figures.ts';
import type { Paint, Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const columnsOfActivity: readonly Column[] = [
  { title: 'Last' },
  { title: 'Model', shrinkTo: 8 },
  { title: 'Why', shrinkTo: 6 },
  { title: 'State', shrinkTo: 7 },
  { title: 'Tokens', align: 'right' },
  { title: 'Tok/s', align: 'right' },
  { title: 'Took', align: 'right' },
];

/** The last requests, newest first, under a blank line; nothing when there were none. */
export function activityLines(entries: readonly ActivityEntry[], columns: number, palette: Palette): string[] {
  if (entries.length === 0) return [];
  const rows = entries.map((entry): Cell[] => [
    timeOfDay(entry.at),
    safeLine(entry.model),
    safeLine(entry.reason),
    { text: stateText(entry), paint: statePaint(entry, palette) },
    count(entry.completionTokens),
    speed(entry.tokensPerSecond),
    took(entry.durationMs),
  ]);
  return ['', ...table(columnsOfActivity, rows, { columns, head: palette.dim })];
}

function stateText(entry: ActivityEntry): string {
  return entry.state === 'failed' && entry.error !== null ? safeLine(entry.error) : entry.state;
}

function statePaint({ state }: ActivityEntry, palette: Palette): Paint {
  switch (state) {
    case 'running':
      return palette.accent;
    case 'done':
      return palette.good;
    case 'failed':
      return palette.bad;
    case 'aborted':
      return palette.attention;
  }
}
