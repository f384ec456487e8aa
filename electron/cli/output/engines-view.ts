import type { EngineSnapshot } from '../../contract/snapshot.ts';
import { bytes, span, unknownFigure } from './figures.ts';
import type { Palette } from './palette.ts';
import { enginePaint } from './states.ts';
import { table, type Cell, type Column } from './table.ts';
import { dotted } from './spans.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: 'Engine', shrinkTo: 8 },
  { title: 'State' },
  { title: 'For', align: 'right' },
  { title: 'Model', shrinkTo: 10 },
  { title: 'Slots', align: 'right' },
  { title: 'Memory', align: 'right' },
  { title: 'Restarts', align: 'right' },
  { title: 'Ready 24 h', align: 'right' },
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
    share(engine.availability.day),
  ]);
  return [
    ...table(heads, rows, { columns, head: palette.dim }),
    '',
    ...engines.flatMap((engine) => details(engine, palette)),
  ];
}

/** A share of time 0–1, exact where it matters: near the top. */
function share(value: number | null): string {
  return value === null ? unknownFigure : `${(100 * value).toFixed(value >= 0.99 && value < 1 ? 2 : 0)} %`;
}

const managers: Readonly<Record<EngineSnapshot['manager'], string | null>> = {
  'ranch-hand': null,
  systemd: 'run by systemd',
  'windows-app': 'run by its Windows app',
  'someone-else': 'run by someone else',
};

function details(engine: EngineSnapshot, palette: Palette): string[] {
  const about = dotted([
    engine.version === null ? null : safeLine(engine.version),
    engine.foundAt === null ? null : safeLine(engine.foundAt),
    engine.url === null ? null : safeLine(engine.url),
    managers[engine.manager],
  ]);
  const lines = [
    `${palette.strong(safeLine(engine.id))}: ${safeLine(engine.sentence)}`,
    ...(about === '' ? [] : [palette.dim(`  ${about}`)]),
    ...engine.advice.flatMap(({ sentence, lines: commands }) => [
      `  ${safeLine(sentence)}`,
      ...commands.map((text) => palette.dim(`    ${safeLine(text)}`)),
    ]),
  ];
  const { lastExit } = engine;
  // Its last words matter while the engine is down; of one that runs again the restart count is enough.
  if (lastExit === null || engine.state === 'ready' || engine.state === 'adopted') return lines;
  return [
    ...lines,
    `  Last exit: ${safeLine(lastExit.reason)}`,
    ...lastExit.lastLines.map((text) => palette.dim(`  | ${safeLine(text)}`)),
  ];
}
