import type { Trace } from '../../contract/trace.ts';
import { count, counted, timeOfDay, took } from './figures.ts';
import { dollars } from './money.ts';
import type { Paint, Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: 'At' },
  { title: 'Trace' },
  { title: 'Key', shrinkTo: 6 },
  { title: 'Model', shrinkTo: 10 },
  { title: 'Upstream', shrinkTo: 8 },
  { title: 'Why', shrinkTo: 10 },
  { title: 'State', shrinkTo: 7 },
  { title: 'First token', align: 'right' },
  { title: 'Took', align: 'right' },
  { title: 'Tokens', align: 'right' },
];
const costHead: Column = { title: 'Cost', align: 'right' };

/** As many characters of an id as tell it from the others; `trace ID` takes them. */
const shownOfId = 8;

/** The latest decisions, newest first. */
export function tracesLines(
  { traces, total }: { readonly traces: readonly Trace[]; readonly total: number },
  columns: number,
  palette: Palette,
): string[] {
  const oldest = traces.at(-1);
  if (oldest === undefined) return ['No decision fits. Every request that asks a model for something leaves one.'];
  // Where nothing was billed the column would say nothing, and the others need the room.
  const billed = traces.some(({ costUsd }) => costUsd > 0);
  const rows = traces.map((trace): Cell[] => [
    timeOfDay(trace.at),
    safeLine(trace.trace.slice(0, shownOfId)),
    safeLine(trace.key ?? '–'),
    safeLine(trace.model ?? trace.requestedModel),
    safeLine(trace.upstream ?? '–'),
    safeLine(trace.reason),
    { text: stateText(trace), paint: statePaint(trace.state, palette) },
    took(trace.ttftMs),
    took(trace.durationMs),
    count(trace.completionTokens),
    ...(billed ? [trace.costUsd > 0 ? dollars(trace.costUsd) : '–'] : []),
  ]);
  const lines = table(billed ? [...heads, costHead] : heads, rows, { columns, head: palette.dim });
  const more =
    traces.length < total
      ? [`${count(traces.length)} of ${counted(total, 'decision')}. Older ones: --before ${safeLine(oldest.trace)}`]
      : [];
  return [...lines, '', ...more, palette.dim('What was decided and why: ranch-hand trace ID')];
}

/** How a request ended, with its error where it failed. */
export function stateText({ state, error }: Trace): string {
  return state === 'failed' && error !== null ? safeLine(error) : state;
}

export function statePaint(state: Trace['state'], palette: Palette): Paint {
  switch (state) {
    case 'done':
      return palette.good;
    case 'failed':
      return palette.bad;
    case 'aborted':
      return palette.attention;
  }
}
