import type { Palette } from './palette.ts';
import type { Cell } from './table.ts';
import { cellWidth, cut, fill } from './text.ts';

/** One line made of pieces, each in its own colour, cut to `columns` cells as a whole. */
export function line(spans: readonly Cell[], columns: number): string {
  let left = columns;
  let rendered = '';
  for (const span of spans) {
    const { text, paint } = typeof span === 'string' ? { text: span, paint: undefined } : span;
    const shown = cut(text, left);
    left -= cellWidth(shown);
    rendered += paint === undefined || shown === '' ? shown : paint(shown);
    if (shown !== text) break;
  }
  return rendered;
}

/** A name in a column of its own, then what it is. */
export function labelled(label: string, spans: readonly Cell[], palette: Palette, columns: number): string {
  return line([{ text: fill(label, 12), paint: palette.dim }, ...spans], columns);
}

/** The parts that are there, a dot between each two. */
export function dotted(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(' · ');
}
