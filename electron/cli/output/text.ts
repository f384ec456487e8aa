import { stripVTControlCharacters } from 'node:util';

/**
 * What a terminal obeys instead of showing: control characters (C0, DEL, C1, where U+009B alone starts a sequence),
 * marks that reorder the text around them, and Unicode's own line ends.
 */
const obeyed = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;
const obeyedButLayout = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Scripts and signs that take two cells: Hangul, CJK, full-width forms, emoji. */
const twoCells =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const noCell = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const plainAscii = /^[ -~]*$/;

/** One line of foreign text (a name, a log line, a message), with nothing left in it that a terminal would obey. */
export function safeLine(text: string): string {
  return stripVTControlCharacters(text).replace(/\t/g, '  ').replace(obeyed, visible);
}

/**
 * A piece of a longer foreign text, with its line breaks and tabs kept. Replaces character by character, so that it
 * holds for a control sequence cut in two by the stream.
 */
export function safeBlock(text: string): string {
  return text.replace(obeyedButLayout, visible);
}

/**
 * `value` as one line of JSON that is safe to print on a terminal: JSON escapes the C0 controls itself, here the rest
 * is escaped in JSON's own way, so that the document still says the same.
 */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(obeyed, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Terminal cells that `text` takes; for text that passed {@link safeLine}. */
export function cellWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** `text` in at most `width` cells; what was cut is marked by an ellipsis. */
export function cut(text: string, width: number): string {
  if (width <= 0) return '';
  if (cellWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const next = graphemeWidth(grapheme);
    if (used + next > width - 1) break;
    kept += grapheme;
    used += next;
  }
  return `${kept}…`;
}

/** `text` filled with blanks to `width` cells; longer text is left as it is. */
export function fill(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - cellWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** `text` broken at blanks into lines of at most `width` cells; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (cellWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = cut(word, width);
  }
  if (line !== '') lines.push(line);
  return lines;
}

function visible(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

function graphemeWidth(grapheme: string): number {
  if (noCell.test(grapheme)) return 0;
  return twoCells.test(grapheme) ? 2 : 1;
}

function* graphemes(text: string): Generator<string> {
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) yield segment;
}
