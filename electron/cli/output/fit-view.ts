import type { FitRow, QueryAnswer } from '../../contract/control.ts';
import type { ModelFit } from '../../contract/snapshot.ts';
import { bytes, count, speed, unknownFigure } from './figures.ts';
import type { Paint, Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: 'Model', shrinkTo: 14 },
  { title: 'Quant' },
  { title: 'Weights', align: 'right' },
  { title: 'KV', align: 'right' },
  { title: 'Compute', align: 'right' },
  { title: 'Spare', align: 'right' },
  { title: 'Needs', align: 'right' },
  { title: 'Context', align: 'right' },
  { title: 'Longest', align: 'right' },
  { title: 'Tok/s', align: 'right' },
  { title: 'Prefill/s', align: 'right' },
  { title: 'Fit' },
];

/** What would fit and how fast it would run, each term of the memory in a column of its own. */
export function fitLines(answer: QueryAnswer<'fit'>, columns: number, palette: Palette): string[] {
  const { ramBytes, bandwidthBytesPerS, bandwidthOrigin, rows } = answer;
  const bandwidth = `${(bandwidthBytesPerS / 1e9).toFixed(1)} GB/s of memory bandwidth (${bandwidthOrigin})`;
  const head = `For ${bytes(ramBytes)} of memory and ${bandwidth}:`;
  if (rows.length === 0) return [head, 'No such model is here or among the well-known ones.'];
  return [
    head,
    '',
    ...table(
      heads,
      rows.map((row) => cells(row, palette)),
      { columns, head: palette.dim },
    ),
    '',
    ...rows
      .filter(({ fit }) => fit.verdict !== 'fits')
      .map((row) => `${palette.attention('!')} ${safeLine(row.id)}: ${safeLine(row.fit.sentence)}`),
    palette.dim('* measured here. Speeds without it are reckoned from memory bandwidth; docs/fit.md says how.'),
  ];
}

function cells({ id, quantization, installed, fit }: FitRow, palette: Palette): Cell[] {
  return [
    { text: safeLine(id), paint: installed ? palette.plain : palette.dim },
    safeLine(quantization ?? unknownFigure),
    bytes(fit.weightsBytes),
    bytes(fit.kvBytes),
    bytes(fit.computeBytes),
    bytes(fit.headroomBytes),
    bytes(fit.neededBytes),
    `${count(fit.contextLength)}${fit.parallel > 1 ? ` × ${fit.parallel}` : ''}`,
    count(fit.largestContextLength),
    speed(fit.tokensPerSecond) + (fit.measured ? '*' : ''),
    speed(fit.prefillTokensPerSecond),
    { text: fitWord(fit), paint: fitPaint(fit, palette) },
  ];
}

/** The verdict in a word or two. */
export function fitWord({ verdict }: Pick<ModelFit, 'verdict'>): string {
  switch (verdict) {
    case 'fits':
      return 'fits';
    case 'tight':
      return 'tight';
    case 'after-unload':
      return 'after unload';
    case 'too-big':
      return 'too big';
    case 'unknown':
      return unknownFigure;
  }
}

export function fitPaint({ verdict }: Pick<ModelFit, 'verdict'>, palette: Palette): Paint {
  switch (verdict) {
    case 'fits':
      return palette.good;
    case 'tight':
    case 'after-unload':
      return palette.attention;
    case 'too-big':
      return palette.bad;
    case 'unknown':
      return palette.dim;
  }
}
