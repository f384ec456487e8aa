import { refuse } from './fields.ts';

const deepest = 64;
const mostNodes = 2_000;

/** Keywords that say what a value looks like in ways a grammar of this engine cannot keep. */
const refusedKeywords = ['not', 'if', 'then', 'else', 'patternProperties', 'dependentSchemas', 'unevaluatedProperties'];
const basicTypes = new Set(['string', 'number', 'integer', 'boolean', 'null']);
const definitionsPrefix = '#/definitions/';

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A JSON schema rewritten into the subset that the engine's grammar generator reads without guessing. The grammar
 * holds the answer to the schema's shape; limits on values (pattern, minimum, …) are left to the model. Schemas whose
 * shape cannot be held are refused as `invalid_request`.
 */
export function toGrammarSchema(schema: unknown): Json {
  let nodes = 0;

  function convert(value: unknown, depth: number): Json {
    nodes += 1;
    if (depth > deepest || nodes > mostNodes) throw refuse('The JSON schema is too large for this engine.');
    if (!isObject(value)) throw refuse('Every part of the JSON schema must be an object that names a type.');
    const refused = refusedKeywords.find((keyword) => value[keyword] !== undefined);
    if (refused !== undefined) throw refuse(`This engine cannot hold an answer to the JSON schema keyword ${refused}.`);
    return { ...convertShape(value, depth), ...convertDefinitions(value, depth) };
  }

  function convertDefinitions(value: Json, depth: number): Json {
    const given = value['$defs'] ?? value['definitions'];
    if (!isObject(given)) return {};
    return { $defs: convertEach(given, depth) };
  }

  function convertEach(map: Json, depth: number): Json {
    return Object.fromEntries(Object.entries(map).map(([name, part]) => [name, convert(part, depth + 1)]));
  }

  function convertShape(value: Json, depth: number): Json {
    const { $ref, allOf, enum: choices } = value;
    if (typeof $ref === 'string') return { $ref: $ref.replace(definitionsPrefix, '#/$defs/') };
    if (value['const'] !== undefined) return { const: value['const'] };
    if (Array.isArray(choices)) return { enum: choices };
    const alternatives = value['oneOf'] ?? value['anyOf'];
    if (Array.isArray(alternatives)) return { oneOf: alternatives.map((part) => convert(part, depth + 1)) };
    if (Array.isArray(allOf)) {
      if (allOf.length !== 1) throw refuse('This engine cannot hold an answer to several schemas at once (allOf).');
      return convert(allOf[0], depth + 1);
    }
    const type = value['type'] ?? impliedType(value);
    if (Array.isArray(type)) return { oneOf: type.map((name: unknown) => convertType(name, value, depth)) };
    return convertType(type, value, depth);
  }

  function convertType(type: unknown, value: Json, depth: number): Json {
    if (type === 'object') return convertObject(value, depth);
    if (type === 'array') return convertArray(value, depth);
    if (typeof type !== 'string' || !basicTypes.has(type))
      throw refuse('Every part of the JSON schema must name a type.');
    if (type !== 'string') return { type };
    return { type, ...pick(value, ['minLength', 'maxLength']) };
  }

  function convertObject(value: Json, depth: number): Json {
    const { properties, additionalProperties: others } = value;
    return {
      type: 'object',
      ...(isObject(properties) ? { properties: convertEach(properties, depth) } : {}),
      // A schema without any property allows any object; with some, more are only made when it asks for them.
      additionalProperties: isObject(others) ? convert(others, depth + 1) : (others ?? !isObject(properties)) === true,
    };
  }

  function convertArray(value: Json, depth: number): Json {
    const { items, prefixItems } = value;
    return {
      type: 'array',
      ...(isObject(items) ? { items: convert(items, depth + 1) } : {}),
      ...(Array.isArray(prefixItems) ? { prefixItems: prefixItems.map((part) => convert(part, depth + 1)) } : {}),
      ...pick(value, ['minItems', 'maxItems']),
    };
  }

  return convert(schema, 0);
}

function impliedType(value: Json): string | undefined {
  if (value['properties'] !== undefined) return 'object';
  if (value['items'] !== undefined || value['prefixItems'] !== undefined) return 'array';
  return undefined;
}

function pick(value: Json, limits: readonly string[]): Json {
  const found = limits.filter((limit) => {
    const bound = value[limit];
    return Number.isSafeInteger(bound) && Number(bound) >= 0 && Number(bound) <= 10_000;
  });
  return Object.fromEntries(found.map((limit) => [limit, value[limit]]));
}
