import { invalidField } from './fields.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';

/** More values than any schema of real callers has; engines turn each into rules of a grammar. */
const valueLimit = 20_000;
const patternLimit = 2_000;
/** Repetitions that engines write out one by one. */
const repetitionLimit = 100_000;
const least = ['minLength', 'minItems'] as const;
const most = ['maxLength', 'maxItems'] as const;

/**
 * A JSON schema that an engine can make a grammar of without choking: so many values, so many repetitions, no schema
 * that would have to be fetched. An upper bound beyond those repetitions is left out, for no answer gets that long and
 * real callers' tools have such bounds; a lower one would have to be honoured.
 *
 * @throws AppError `invalid_request` naming `path`
 */
export function boundedSchema(value: Json | undefined, path: string): JsonObject {
  if (!isObject(value)) throw invalidField(path, value === undefined ? 'is missing' : 'must be a JSON schema');
  const left = { values: valueLimit };
  check(value, path, left);
  return withoutVastBounds(value) as JsonObject;
}

function check(value: Json, path: string, left: { values: number }): void {
  left.values -= 1;
  if (left.values < 0) throw invalidField(path, `has more than ${valueLimit} values`);
  if (isList(value)) {
    for (const item of value) check(item, path, left);
    return;
  }
  if (!isObject(value)) return;
  checkRepetitions(value, path);
  for (const item of Object.values(value)) check(item, path, left);
}

function checkRepetitions(schema: JsonObject, path: string): void {
  for (const name of [...least, ...most]) {
    const count = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (typeof count === 'number' && !(count >= 0)) throw invalidField(path, `has ${name} below 0`);
    if (typeof count === 'number' && count > repetitionLimit && least.some((each) => each === name)) {
      throw invalidField(path, `has ${name} beyond ${repetitionLimit}`);
    }
  }
  const { pattern, $ref } = schema;
  if (typeof pattern === 'string') checkPattern(pattern, path);
  if (typeof $ref === 'string' && $ref !== '' && !$ref.startsWith('#')) {
    throw invalidField(path, 'refers to a schema elsewhere, and nothing is fetched: put it under $defs');
  }
}

/** The same value where nothing is to be left out, so that usual schemas are not copied. */
function withoutVastBounds(value: Json): Json {
  if (isList(value)) {
    const items = value.map(withoutVastBounds);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const kept = entries.flatMap(([name, each]): [string, Json][] =>
    isVast(name, each) ? [] : [[name, withoutVastBounds(each)]],
  );
  const isSame = kept.length === entries.length && kept.every(([, each], index) => each === entries[index]?.[1]);
  return isSame ? value : Object.fromEntries(kept);
}

function isVast(name: string, value: Json): boolean {
  return typeof value === 'number' && value > repetitionLimit && most.some((each) => each === name);
}

/** Nested repetitions multiply: `((a{99}){99}){99}` is a million letters. */
function checkPattern(pattern: string, path: string): void {
  if (pattern.length > patternLimit) throw invalidField(path, `has a pattern of more than ${patternLimit} characters`);
  let product = 1;
  for (const [, fewest, largest] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    product *= Math.max(1, Number(fewest), Number(largest ?? 0));
  }
  if (product > repetitionLimit) throw invalidField(path, `has a pattern of more than ${repetitionLimit} repetitions`);
}
