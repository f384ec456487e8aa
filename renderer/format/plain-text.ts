/* Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links) up to its end, and two-character ones. */
// eslint never sees a literal control character here: they are built from their numbers.
const escape = String.fromCharCode(0x1b);
const bell = String.fromCharCode(0x07);
const csi = String.fromCharCode(0x9b);

const terminalSequences = new RegExp(
  [
    `(?:${escape}\\[|${csi})[0-?]*[ -/]*[@-~]`,
    `${escape}\\][^${bell}${escape}\n]*(?:${bell}|${escape}\\\\)?`,
    `${escape}[PX^_][^${escape}\n]*(?:${escape}\\\\)?`,
    `${escape}[ -/]*[0-~]`,
  ].join('|'),
  'gu',
);

/** Control characters except tab and line feed, and every mark that reorders or hides text. */
const unseen =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * Text of unknown origin (names, logs, sentences) as it may be shown and copied: terminal sequences are gone, and
 * characters that would reorder or hide their neighbours are seen as U+FFFD. Markup needs nothing: it is never
 * inserted as markup.
 */
export function plainText(text: string): string {
  return text
    .replace(terminalSequences, '')
    .replace(/\r\n?/gu, '\n')
    .replace(unseen, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'));
}

/** The same for what has to stay on one line. */
export function plainLine(text: string): string {
  return plainText(text).replace(/\s*\n\s*/gu, ' ');
}
