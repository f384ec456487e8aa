import { isObject, type Json, type JsonObject } from '../json.ts';

/** Keys of a JSON schema that hold one schema, a list of them, or schemas by name. */
const single = ['items', 'not', 'if', 'then', 'else', 'contains'];
const lists = ['anyOf', 'allOf', 'oneOf', 'prefixItems'];
const named = ['properties', '$defs', 'definitions'];

/**
 * The schema with every object closed to properties that it does not name, as the provider demands it. That only narrows
 * what may be answered: whatever fits the closed schema fits the open one.
 */
export function closedSchema(schema: JsonObject): JsonObject {
  // The key $schema names the language of the schema and asks for nothing.
  const entries = Object.entries(schema).filter(([key]) => key !== '$schema');
  const closed: JsonObject = Object.fromEntries(entries.map(([key, value]) => [key, closedUnder(key, value)]));
  const isOfObjects = closed['type'] === 'object' || isObject(closed['properties']);
  const isOpen = isOfObjects && closed['additionalProperties'] === undefined;
  return isOpen ? { ...closed, additionalProperties: false } : closed;
}

function closedUnder(key: string, value: Json): Json {
  if (single.includes(key)) return closedValue(value);
  if (lists.includes(key) && Array.isArray(value)) return value.map((item: Json) => closedValue(item));
  if (named.includes(key) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closedValue(inner)]));
  }
  return value;
}

function closedValue(value: Json): Json {
  return isObject(value) ? closedSchema(value) : value;
}
