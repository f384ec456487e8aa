import { AppError } from '../../base/errors.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';

/**
 * Rules for single fields. Each takes a value and its path, such as `messages[0].role`, and returns the value to pass
 * on, or throws an `invalid_request` that names the path. They are plain functions because they run on every message
 * of every request.
 */
export type Rule = (value: Json, path: string) => Json;

export function invalidField(path: string, problem: string): AppError {
  return new AppError('invalid_request', `The field "${path}" ${problem}.`, { context: { param: path } });
}

export function unsupportedField(path: string, problem: string): AppError {
  return new AppError('unsupported_capability', `The field "${path}" ${problem}.`, { context: { param: path } });
}

export function number(least: number, most: number): Rule {
  return (value, path) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw invalidField(path, `must be a number from ${least} to ${most}`);
  };
}

export function integer(least: number, most: number): Rule {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalidField(path, `must be a whole number from ${least} to ${most}`);
  };
}

export const boolean: Rule = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw invalidField(path, 'must be true or false');
};

export function string(longest: number): Rule {
  return (value, path) => {
    if (typeof value === 'string' && value.length <= longest) return value;
    throw invalidField(path, `must be a text of at most ${longest} characters`);
  };
}

export function oneOf(...words: readonly string[]): Rule {
  return (value, path) => {
    if (typeof value === 'string' && words.includes(value)) return value;
    throw invalidField(path, `must be one of ${words.join(', ')}`);
  };
}

/** A list of `least` to `most` items. */
export function list(rule: Rule, least: number, most: number): Rule {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      throw invalidField(path, `must be a list of ${least} to ${most} items`);
    }
    return value.map((item: Json, index) => rule(item, `${path}[${index}]`));
  };
}

/** Any JSON: its size is bounded by the body's and its depth by the parser. */
export const anyObject: Rule = (value, path) => {
  if (isObject(value)) return value;
  throw invalidField(path, 'must be an object');
};

/** An object of known fields; others are left out, and fields that are null count as absent. */
export function object(fields: Readonly<Record<string, Rule>>, required: readonly string[] = []): Rule {
  return (value, path) => {
    if (!isObject(value)) throw invalidField(path, 'must be an object');
    return pick(value, fields, required, `${path}.`);
  };
}

/** The fields of `value` that have a rule. A field that is null counts as absent. */
export function pick(
  value: JsonObject,
  fields: Readonly<Record<string, Rule>>,
  required: readonly string[],
  prefix: string,
): Record<string, Json> {
  const picked: Record<string, Json> = {};
  // Keys alone: making pairs of all that a form knows costs more than the rules that apply.
  for (const name of Object.keys(fields)) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    const rule = fields[name];
    if (field !== undefined && field !== null && rule) picked[name] = rule(field, prefix + name);
    else if (required.includes(name)) throw invalidField(prefix + name, 'is missing');
  }
  return picked;
}

/** For fields that are read in a way of their own later. */
export const asIs: Rule = (value) => value;

/** @throws AppError `invalid_request` unless it is a text of at most `longest` characters */
export function asText(value: Json | undefined, path: string, longest: number): string {
  if (value === undefined || value === null) throw invalidField(path, 'is missing');
  if (typeof value === 'string' && value.length <= longest) return value;
  throw invalidField(path, `must be a text of at most ${longest} characters`);
}

/** Null where it is absent. @throws AppError `invalid_request` unless it is a text of at most `longest` characters */
export function asOptionalText(value: Json | undefined, path: string, longest: number): string | null {
  return value === undefined || value === null ? null : asText(value, path, longest);
}

/** @throws AppError `invalid_request` unless it is a list of `least` to `most` items */
export function asList(value: Json | undefined, path: string, least: number, most: number): readonly Json[] {
  if (isList(value) && value.length >= least && value.length <= most) return value;
  if (value === undefined || value === null) throw invalidField(path, 'is missing');
  throw invalidField(path, `must be a list of ${least} to ${most} items`);
}

/** @throws AppError `invalid_request` unless it is an object */
export function asObject(value: Json | undefined, path: string): JsonObject {
  if (isObject(value)) return value;
  if (value === undefined || value === null) throw invalidField(path, 'is missing');
  throw invalidField(path, 'must be an object');
}
