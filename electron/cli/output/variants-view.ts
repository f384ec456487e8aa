import type { QueryAnswer, Variant } from '../../contract/control.ts';
import { bytes, speed, unknownFigure } from './figures.ts';
import { fitPaint, fitWord } from './fit-view.ts';
import type { Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: '' },
  { title: 'Quant' },
  { title: 'Size', align: 'right' },
  { title: 'Bits/weight', align: 'right' },
  { title: 'Perplexity', align: 'right' },
  { title: 'Same top token', align: 'right' },
  { title: 'Fit' },
  { title: 'Tok/s', align: 'right' },
  { title: 'How to have it', shrinkTo: 12 },
];

/** The quantizations of a model side by side. */
export function variantLines(answer: QueryAnswer<'variants'>, columns: number, palette: Palette): string[] {
  const { group, variants, problems } = answer;
  const sources = [...new Set(variants.flatMap(({ quality }) => (quality === null ? [] : [quality.source])))];
  return [
    palette.strong(safeLine(group)),
    ...(variants.length === 0
      ? ['No quantization of it was found, here or elsewhere.']
      : table(
          heads,
          variants.map((variant) => cells(variant, palette)),
          { columns, head: palette.dim },
        )),
    '',
    ...problems.map((problem) => `${palette.attention('!')} ${safeLine(problem)}`),
    ...sources.map((source) => palette.dim(`Quality: ${safeLine(source)}`)),
    palette.dim(`Switch with: ranch-hand models use ${safeLine(group)} --quant NAME`),
  ];
}

function cells(variant: Variant, palette: Palette): Cell[] {
  const { quantization, sizeBytes, bitsPerWeight, quality, fit, loaded } = variant;
  return [
    loaded ? '*' : '',
    safeLine(quantization),
    bytes(sizeBytes),
    bitsPerWeight === null ? unknownFigure : bitsPerWeight.toFixed(2),
    percentMore(quality?.perplexityPercent ?? null),
    quality?.sameTopTokenPercent == null ? unknownFigure : `${quality.sameTopTokenPercent.toFixed(1)} %`,
    fit === null ? unknownFigure : { text: fitWord(fit), paint: fitPaint(fit, palette) },
    fit === null ? unknownFigure : speed(fit.tokensPerSecond) + (fit.measured ? '*' : ''),
    { text: wayTo(variant), paint: variant.model === null ? palette.dim : palette.good },
  ];
}

function percentMore(value: number | null): string {
  return value === null ? unknownFigure : `+${value < 1 ? value.toFixed(2) : value.toFixed(1)} %`;
}

function wayTo({ model, get }: Variant): string {
  if (model !== null) return `here: ${safeLine(model)}`;
  if (get === null) return unknownFigure;
  return get.kind === 'pull' ? `get ${safeLine(get.reference)}` : `make from ${safeLine(get.from)}`;
}
