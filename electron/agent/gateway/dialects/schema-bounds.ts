import { invalidField } from './fields.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';

/** More values than any schema of real callers has; engines turn each into rules of a grammar. */
const valueLimit = 20_000;
const patternLimit = 2_000;
/** Repetitions that engines write out one by one. */
const repetitionLimit = 100_000;
const repeating = ['minLength', 'maxLength', 'minItems', 'maxItems'] as const;

/**
 * A JSON schema that an engine can make a grammar of without choking: so many values, so many repetitions, no schema
 * that would have to be fetched.
 *
 * @throws AppError `invalid_request` naming `path`
 */
export function boundedSchema(value: Json | undefined, path: string): JsonObject {
  if (!isObject(value)) throw invalidField(path, value === undefined ? 'is missing' : 'must be a JSON schema');
  const left = { values: valueLimit };
  check(value, path, left);
  return value;
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
  for (const name of repeating) {
    const count = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (typeof count === 'number' && !(count >= 0 && count <= repetitionLimit)) {
      throw invalidField(path, `has ${name} beyond ${repetitionLimit}`);
    }
  }
  const { pattern, $ref } = schema;
  if (typeof pattern === 'string') checkPattern(pattern, path);
  if (typeof $ref === 'string' && $ref !== '' && !$ref.startsWith('#')) {
    throw invalidField(path, 'refers to a schema elsewhere, and nothing is fetched: put it under $defs');
  }
}

/** Nested repetitions multiply: `((a{99}){99}){99}` is a million letters. */
function checkPattern(pattern: string, path: string): void {
  if (pattern.length > patternLimit) throw invalidField(path, `has a pattern of more than ${patternLimit} characters`);
  let product = 1;
  for (const [, least, most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    product *= Math.max(1, Number(least), Number(most ?? 0));
  }
  if (product > repetitionLimit) throw invalidField(path, `has a pattern of more than ${repetitionLimit} repetitions`);
}
