import { describe, expect, it } from 'vitest';
import { withFields } from '../../../../electron/agent/engines/process-engine/spliced-body.ts';

const spliced = (body: string): string => withFields(Buffer.from(body), { id_slot: 1, cache_prompt: true }).toString();

describe('withFields', () => {
  it.each([
    ['{"model":"m"}', '{"model":"m","id_slot":1,"cache_prompt":true}'],
    ['{}', '{"id_slot":1,"cache_prompt":true}'],
    [' { } \n', ' { "id_slot":1,"cache_prompt":true}'],
    ['{"a":{"b":"}"}} ', '{"a":{"b":"}"},"id_slot":1,"cache_prompt":true}'],
  ])('writes them behind the fields of %j', (body, expected) => {
    expect(spliced(body)).toBe(expected);
    expect(JSON.parse(spliced(body))).toMatchObject({ id_slot: 1, cache_prompt: true });
  });

  it('a caller who names a slot gets ours: of two alike the last one counts', () => {
    expect(JSON.parse(spliced('{"id_slot":7,"model":"m"}'))).toEqual({ model: 'm', id_slot: 1, cache_prompt: true });
  });

  it.each(['', '[]', 'x', '}'])('leaves %j as it is', (body) => {
    expect(spliced(body)).toBe(body);
  });
});
