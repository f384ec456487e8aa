import type { Json } from './connection.ts';

type Fields = Readonly<Record<string, Json>>;

/** A settings file with `wanted` in it; `changes` names each place whose value is another one now, without the values. */
export interface Merged {
  readonly text: string;
  readonly changes: readonly string[];
}

/**
 * Puts `wanted` into the JSON text of a settings file. Objects are joined; lists whose entries have an `id` are joined
 * by it; any other value is replaced. What else stands in the file stays. Null where the text is no JSON object.
 */
export function mergeJson(text: string, wanted: Fields): Merged | null {
  const present = text.trim() === '' ? {} : parsed(text);
  if (!isFields(present)) return null;
  const changes: string[] = [];
  const joined = joinFields(present, wanted, '', changes);
  if (changes.length === 0) return { text, changes };
  return { text: `${JSON.stringify(joined, null, indentOf(text))}\n`, changes };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function joinFields(present: Fields, wanted: Fields, at: string, changes: string[]): Fields {
  const joined = new Map(Object.entries(present));
  for (const [name, value] of Object.entries(wanted)) {
    const place = at === '' ? name : `${at}.${name}`;
    joined.set(name, join(joined.get(name), value, place, changes));
  }
  // Not by assignment: "__proto__" is a name like any other in somebody's file.
  return Object.fromEntries(joined);
}

function join(present: Json | undefined, wanted: Json, at: string, changes: string[]): Json {
  if (isFields(present) && isFields(wanted)) return joinFields(present, wanted, at, changes);
  if (isIdList(present) && isIdList(wanted)) return joinLists(present, wanted, at, changes);
  if (present === undefined || JSON.stringify(present) !== JSON.stringify(wanted)) changes.push(at);
  return wanted;
}

type IdList = readonly (Fields & { readonly id: string })[];

function isIdList(value: Json | undefined): value is IdList {
  return Array.isArray(value) && value.every((each) => isFields(each) && typeof each['id'] === 'string');
}

function joinLists(present: IdList, wanted: IdList, at: string, changes: string[]): Json {
  const joined: Json[] = [...present];
  for (const entry of wanted) {
    const index = present.findIndex(({ id }) => id === entry.id);
    const place = `${at}[${entry.id}]`;
    if (index >= 0) joined[index] = join(present[index], entry, place, changes);
    else {
      joined.push(entry);
      changes.push(place);
    }
  }
  return joined;
}

/** The file's own indentation. */
function indentOf(text: string): string {
  return /^\{\r?\n([ \t]+)"/.exec(text.trimStart())?.[1] ?? '  ';
}
