import { describe, expect, it } from 'vitest';
import { toGrammarSchema } from '../../../../../electron/agent/engines/embedded/child/json-schema.ts';

describe('toGrammarSchema', () => {
  it('rewrites what clients write into what the grammar generator reads', () => {
    expect(
      toGrammarSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: 'Answer',
        type: 'object',
        properties: {
          name: { type: 'string', maxLength: 20, pattern: '^a' },
          age: { type: ['integer', 'null'] },
          kind: { enum: ['a', 'b'] },
          other: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/thing' }] },
          list: { items: { type: 'number' } },
        },
        additionalProperties: false,
        definitions: { thing: { properties: { x: { const: 1 } } } },
      }),
    ).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: {
        name: { type: 'string', maxLength: 20 },
        age: { oneOf: [{ type: 'integer' }, { type: 'null' }] },
        kind: { enum: ['a', 'b'] },
        other: { oneOf: [{ type: 'string' }, { $ref: '#/$defs/thing' }] },
        list: { type: 'array', items: { type: 'number' } },
      },
      $defs: { thing: { type: 'object', properties: { x: { const: 1 } }, additionalProperties: false } },
    });
  });

  it('an object without named properties may be any object', () => {
    expect(toGrammarSchema({ type: 'object' })).toEqual({ type: 'object', additionalProperties: true });
  });

  it.each([
    ['no type', {}],
    ['a type there is not', { type: 'date' }],
    ['not', { not: { type: 'string' } }],
    ['several schemas at once', { allOf: [{ type: 'object' }, { type: 'object' }] }],
    ['a list', []],
    ['true', true],
  ])('refuses what it cannot hold an answer to: %s', (_, schema) => {
    expect(() => toGrammarSchema(schema)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('B47 refuses a schema that is too deep or too large', () => {
    let deep: object = { type: 'string' };
    for (let level = 0; level < 10_000; level += 1) deep = { type: 'array', items: deep };
    expect(() => toGrammarSchema(deep)).toThrow('too large');
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`p${index}`, { type: 'string' }]));
    expect(() => toGrammarSchema({ type: 'object', properties: wide })).toThrow('too large');
  });
});
