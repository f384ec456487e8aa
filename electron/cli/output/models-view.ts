import type { ModelSnapshot } from '../../contract/snapshot.ts';
import { fitPaint, fitWord } from './fit-view.ts';
import { bytes, count, speed, unknownFigure } from './figures.ts';
import type { Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: '' },
  { title: 'Model', shrinkTo: 16 },
  { title: 'Quant' },
  { title: 'Size', align: 'right' },
  { title: 'Context', align: 'right' },
  { title: 'Tok/s', align: 'right' },
  { title: 'Fit' },
  { title: 'State' },
];

/** What this node can answer with. The default model is marked, and what cannot be loaded says why. */
export function modelsLines(
  models: readonly ModelSnapshot[],
  dataDir: string,
  columns: number,
  palette: Palette,
): string[] {
  if (models.length === 0)
    return [
      `No model is here yet. Get one with: ranch-hand models pull NAME, or put a GGUF file into ${safeLine(dataDir)}/models.`,
    ];
  const rows = models.map((model): Cell[] => [
    model.isDefault ? '*' : '',
    safeLine(model.id),
    safeLine(model.quantization ?? unknownFigure),
    bytes(model.sizeBytes),
    count(model.contextLength),
    speed(model.measured?.tokensPerSecond ?? model.tokensPerSecond),
    model.fit === null ? unknownFigure : { text: fitWord(model.fit), paint: fitPaint(model.fit, palette) },
    stateCell(model, palette),
  ]);
  const problems = models.flatMap(({ id, problem }) =>
    problem === null ? [] : [`${palette.bad('!')} ${safeLine(id)}: ${safeLine(problem)}`],
  );
  const lines = table(heads, rows, { columns, head: palette.dim });
  return problems.length === 0 ? lines : [...lines, '', ...problems];
}

function stateCell(model: ModelSnapshot, palette: Palette): Cell {
  if (model.problem !== null) return { text: 'unusable', paint: palette.bad };
  const state = model.state === 'idle' ? (model.loaded ? 'loaded' : 'on disk') : model.state;
  const text = [model.selfTest ? 'self-test' : state, ...(model.pinned ? ['pinned'] : [])].join(', ');
  return { text, paint: model.loaded ? palette.good : palette.dim };
}
