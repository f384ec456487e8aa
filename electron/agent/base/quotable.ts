/**
 * What a terminal or a log viewer obeys instead of showing: control characters, marks that reorder the text around them,
 * and Unicode's own line ends.
 */
const obeyed = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/**
 * A text of somebody else's (a name that a caller sent, a sentence of an upstream) on one line for a sentence of ours: at
 * most `longest` characters, and nothing left in it that a terminal would obey. Callers print our sentences as they come.
 */
export function quotable(text: string, longest: number): string {
  const kept = text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text;
  return kept.replaceAll(/[\t\r\n]+/g, ' ').replaceAll(obeyed, '\ufffd');
}
