import type { Paint } from './palette.ts';
import { cellWidth, cut, fill } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way, down to this many cells, when the table is wider than the terminal. */
  readonly shrinkTo?: number;
}

/** A cell's text must have passed `safeLine`; the colour is put on after it was laid out. */
export type Cell = string | { readonly text: string; readonly paint: Paint };

const gap = '  ';

/** Lines of a table with a header, at most `columns` cells wide where its shrinkable columns allow. */
export function table(
  heads: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: { readonly columns: number; readonly head: Paint },
): string[] {
  const widths = fittedWidths(heads, rows, options.columns);
  const line = (cells: readonly Cell[]): string =>
    heads
      .map((head, index) => layOut(cells[index] ?? '', widths[index] ?? 0, head.align ?? 'left'))
      .join(gap)
      .trimEnd();
  return [line(heads.map(({ title }) => ({ text: title, paint: options.head }))), ...rows.map(line)];
}

/** Cells that the widest line of a table takes once its shrinkable columns have given all they can. */
export function tableWidth(heads: readonly Column[], rows: readonly (readonly Cell[])[]): number {
  return fittedWidths(heads, rows, 0).reduce((sum, width) => sum + width, gap.length * (heads.length - 1));
}

function fittedWidths(heads: readonly Column[], rows: readonly (readonly Cell[])[], columns: number): number[] {
  const widths = heads.map(({ title }, index) =>
    Math.max(cellWidth(title), ...rows.map((row) => cellWidth(textOf(row[index] ?? '')))),
  );
  const total = (): number => widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1));
  while (total() > columns) {
    const widest = widestShrinkable(heads, widths);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function widestShrinkable(heads: readonly Column[], widths: readonly number[]): number | undefined {
  let best: number | undefined;
  for (const [index, { shrinkTo }] of heads.entries()) {
    const width = widths[index] ?? 0;
    if (shrinkTo === undefined || width <= shrinkTo) continue;
    if (best === undefined || width > (widths[best] ?? 0)) best = index;
  }
  return best;
}

function layOut(cell: Cell, width: number, align: 'left' | 'right'): string {
  const text = fill(cut(textOf(cell), width), width, align);
  return typeof cell === 'string' ? text : cell.paint(text);
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
