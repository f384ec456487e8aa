import { describe, expect, it } from 'vitest';
import { boundedSchema } from '../../../../electron/agent/gateway/dialects/schema-bounds.ts';

const withText = (bounds: object): Record<string, unknown> => ({
  type: 'object',
  properties: { content: { type: 'string', ...bounds } },
});

describe('the bounds of a schema', () => {
  it('an upper bound that no answer reaches is left out, as tools of real callers have it', () => {
    const schema = { ...withText({ maxLength: 524_288, minLength: 1 }), items: [{ maxItems: 1e9 }, { maxItems: 3 }] };
    expect(boundedSchema(schema as never, 'tools[0].input_schema')).toEqual({
      ...withText({ minLength: 1 }),
      items: [{}, { maxItems: 3 }],
    });
  });

  it('a schema within the bounds stays the very same object', () => {
    const schema = withText({ maxLength: 100_000 });
    expect(boundedSchema(schema as never, 'x')).toBe(schema);
  });

  it('a property that is only called like a bound stays', () => {
    const schema = { type: 'object', properties: { maxLength: { type: 'integer' } } };
    expect(boundedSchema(schema as never, 'x')).toBe(schema);
  });

  it.each([
    ['minLength beyond what an engine can write out', { minLength: 100_001 }, 'has minLength beyond 100000'],
    ['a bound below nothing', { maxLength: -1 }, 'has maxLength below 0'],
    ['a pattern that multiplies', { pattern: '((a{999}){999})' }, 'repetitions'],
    ['a schema elsewhere', { $ref: 'https://example.com/x' }, 'elsewhere'],
  ])('%s is refused by name', (_what, bounds, words) => {
    expect(() => boundedSchema(withText(bounds) as never, 'tools[9].input_schema')).toThrow(words);
  });
});
