import { withLatest, withoutLatest } from './latest-tag.ts';

/**
 * Whether one of the patterns fits the name; `*` stands for any text, also for none. Null allows every name. Takes time
 * in proportion to the lengths, whatever the pattern, so that no key can be made that slows the node down.
 */
export function isAllowed(patterns: readonly string[] | null, name: string): boolean {
  return patterns === null || patterns.some((pattern) => fitsPattern(pattern, name));
}

/**
 * The same for a model, which may be named with `:latest` or without. A name that is lengthened is held against whole
 * names only: `*:latest` would fit any.
 */
export function isModelAllowed(patterns: readonly string[] | null, name: string): boolean {
  if (patterns === null || isAllowed(patterns, name)) return true;
  return isAllowed(patterns, withoutLatest(name)) || patterns.includes(withLatest(name));
}

function fitsPattern(pattern: string, name: string): boolean {
  const pieces = pattern.split('*');
  const head = pieces[0] ?? '';
  if (pieces.length === 1) return name === pattern;
  const tail = pieces.at(-1) ?? '';
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  // The earliest place of each piece leaves the most room for the others.
  let from = head.length;
  for (const piece of pieces.slice(1, -1)) {
    const at = name.indexOf(piece, from);
    if (at === -1) return false;
    from = at + piece.length;
  }
  return from <= name.length - tail.length;
}
