import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};
const longestShown = 60;

/**
 * The first thing that is wrong with `value`, in plain words on one line, without a full stop: "id must be given",
 * "gateway.port must be at most 65535". `subject` replaces the path, where the sentence has named it already. A check
 * of a schema's own (`refine`) gives the words that stand after "must" as its message.
 */
export function issueText(error: z.ZodError, value: unknown, subject?: string): string {
  const [issue] = error.issues;
  return issue === undefined ? `${subject ?? 'it'} must have another form` : sentence(issue, value, subject);
}

function sentence(issue: Issue, root: unknown, subject?: string): string {
  const value = at(root, issue.path);
  const name = subject ?? (issue.path.length === 0 ? 'it' : issue.path.map(String).join('.'));
  if (issue.code !== 'invalid_union') return `${name} must ${demand(issue, value)}`;
  const firsts = issue.errors.flatMap(([first]) => (first === undefined ? [] : [first]));
  const closest = issue.errors.toSorted((one, other) => one.length - other.length)[0]?.[0];
  // One value with several allowed forms is told all of them; an object only where the likeliest form is missed.
  if (closest === undefined || firsts.every(({ path }) => path.length === 0)) {
    return `${name} must ${[...new Set(firsts.map((first) => demand(first, value)))].join(' or ')}`;
  }
  return sentence(closest, value);
}

/** What stands after "must". */
function demand(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined ? 'be given' : `be ${kinds[issue.expected] ?? 'of another kind'}`;
    case 'too_small':
      return least(issue.origin, issue.minimum);
    case 'too_big':
      return most(issue.origin, issue.maximum);
    case 'invalid_value':
      if (value === undefined) return 'be given';
      return `be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(shown).join(', ')}`;
    case 'unrecognized_keys':
      return `not have ${issue.keys.slice(0, 5).map(shown).join(', ')}`;
    case 'not_multiple_of':
      return `be a multiple of ${issue.divisor}`;
    case 'custom':
      return issue.message;
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      return 'have another form';
  }
}

function least(origin: string, minimum: number | bigint): string {
  if (origin === 'string') return minimum === 1 ? 'not be empty' : `have at least ${minimum} characters`;
  if (origin === 'array') return minimum === 1 ? 'not be empty' : `have at least ${minimum} entries`;
  return Number(minimum) <= Number.MIN_SAFE_INTEGER ? 'be a larger number' : `be at least ${minimum}`;
}

function most(origin: string, maximum: number | bigint): string {
  if (origin === 'string') return `have at most ${maximum} characters`;
  if (origin === 'array') return `have at most ${maximum} entries`;
  return Number(maximum) >= Number.MAX_SAFE_INTEGER ? 'be a smaller number' : `be at most ${maximum}`;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
  }
  return value;
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
  return text.length <= longestShown ? text : `${text.slice(0, longestShown - 3)}...`;
}
