import type { EngineSnapshot } from '../../contract/snapshot.ts';
import { bytes, span, unknownFigure } from './figures.ts';
import type { Palette } from './palette.ts';
import { enginePaint } from './states.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: 'Engine', shrinkTo: 8 },
  { title: 'State' },
  { title: 'For', align: 'right' },
  { title: 'Model', shrinkTo: 10 },
  { title: 'Slots', align: 'right' },
  { title: 'Memory', align: 'right' },
  { title: 'Restarts', align: 'right' },
];

/** The engines, each with its own sentence below the table, and the last words of one that died. */
export function enginesLines(
  engines: readonly EngineSnapshot[],
  nowMs: number,
  columns: number,
  palette: Palette,
): string[] {
  if (engines.length === 0) return ['No engine is set up on this node.'];
  const rows = engines.map((engine): Cell[] => [
    safeLine(engine.id),
    { text: engine.state, paint: enginePaint(engine.state, palette) },
    span(nowMs - Date.parse(engine.since)),
    safeLine(engine.model ?? unknownFigure),
    `${engine.slots.busy}/${engine.slots.total}`,
    bytes(engine.memoryBytes),
    String(engine.restarts),
  ]);
  return [
    ...table(heads, rows, { columns, head: palette.dim }),
    '',
    ...engines.flatMap((engine) => details(engine, palette)),
  ];
}

function details(engine: EngineSnapshot, palette: Palette): string[] {
  const lines = [`${palette.strong(safeLine(engine.id))}: ${safeLine(engine.sentence)}`];
  const { lastExit } = engine;
  // Its last words matter while the engine is down; of one that runs again the restart count is enough.
  if (lastExit === null || engine.state === 'ready' || engine.state === 'adopted') return lines;
  return [
    ...lines,
    `  Last exit: ${safeLine(lastExit.reason)}`,
    ...lastExit.lastLines.map((text) => palette.dim(`  | ${safeLine(text)}`)),
  ];
}
