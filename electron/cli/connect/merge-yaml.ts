import type { Merged } from './merge-json.ts';

const begin = '# ranch-hand begin';
const end = '# ranch-hand end';

/**
 * Puts each of `keys` (its lines, the first one `name: …`) in the place of the key of the same name at the top level of
 * a YAML text, else at its end. A list stays as it is but for the entries that set the same variable as one of ours.
 * Null where the text is not a plain mapping, so that nothing in it is broken.
 */
export function mergeYamlKeys(text: string, keys: Readonly<Record<string, readonly string[]>>): Merged | null {
  const blocks = topLevelBlocks(text);
  if (blocks === null) return null;
  const changes: string[] = [];
  for (const [name, lines] of Object.entries(keys)) {
    const index = blocks.findIndex((block) => block.name === name);
    const present = blocks[index];
    const joined = present === undefined ? [...lines] : joinedBlock(present.lines, lines);
    if (joined === null) return null;
    if (present === undefined) blocks.push({ name, lines: joined });
    else blocks[index] = { name, lines: joined };
    if (present?.lines.join('\n') !== joined.join('\n')) changes.push(name);
  }
  if (changes.length === 0) return { text, changes };
  return { text: `${blocks.flatMap(({ lines }) => lines).join('\n')}\n`, changes };
}

interface Block {
  /** Null for what stands before the first key. */
  readonly name: string | null;
  readonly lines: readonly string[];
}

function topLevelBlocks(text: string): Block[] | null {
  const blocks: { name: string | null; lines: string[] }[] = [];
  for (const line of text.replace(/\s+$/, '').split(/\r?\n/)) {
    const name = /^(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*:(?:\s|$)/.exec(line)?.slice(1).find(Boolean);
    const last = blocks.at(-1);
    if (name !== undefined) blocks.push({ name, lines: [line] });
    else if (!/^(?:\s|#|- |$)/.test(line)) return null;
    else if (last) last.lines.push(line);
    else if (line !== '') blocks.push({ name: null, lines: [line] });
  }
  return blocks;
}

const variableOf = (line: string): string | undefined => /^\s*-\s+["']?([A-Za-z_][A-Za-z0-9_]*)=/.exec(line)?.[1];

/** What belongs to the next key by the look of it, comments and blank lines at the end, stays. */
function joinedBlock(present: readonly string[], wanted: readonly string[]): string[] | null {
  let size = present.length;
  while (size > 1 && /^(?:#.*|\s*)$/.test(present[size - 1] ?? '')) size -= 1;
  const after = present.slice(size);
  if (wanted.length === 1) return [...wanted, ...after];
  const [head = '', ...entries] = present.slice(0, size);
  // A list in brackets on one line, or an anchor: not ours to rewrite.
  if (!/:\s*(?:#.*)?$/.test(head)) return null;
  const ours = new Set(wanted.slice(1).map(variableOf));
  const kept = entries.filter((line) => !ours.has(variableOf(line)) || variableOf(line) === undefined);
  const indent = /^(\s*)-/.exec(kept.find((line) => /^\s*-/.test(line)) ?? '')?.[1] ?? '  ';
  const added = wanted.slice(1).map((line) => indent + line.trimStart());
  return [head, ...kept, ...added, ...after];
}

/**
 * Puts `entries` (lines of a YAML list) between two marks of ours, in the place of what stands there, else at the end.
 * Null where the text is not a plain list.
 */
export function mergeYamlList(text: string, entries: readonly string[], name: string): Merged | null {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  if (lines.some((line) => !/^(?:\s|#|- |-$|$)/.test(line))) return null;
  const first = lines.indexOf(begin);
  const last = lines.indexOf(end);
  if (first >= 0 !== last >= 0 || last < first) return null;
  const before = first >= 0 ? lines.slice(0, first) : lines.filter((line, index) => index > 0 || line !== '');
  const after = first >= 0 ? lines.slice(last + 1) : [];
  const joined = `${[...before, begin, ...entries, end, ...after].join('\n')}\n`;
  return joined === text ? { text, changes: [] } : { text: joined, changes: [name] };
}
