import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { issueText } from '../../../electron/agent/base/issue-text.ts';

const engine = z.strictObject({ id: z.string().min(1).max(5) });
const change = z.union([
  z.strictObject({ key: z.string().min(1), text: z.string() }),
  z.strictObject({ key: z.string().min(1), value: z.number() }),
]);
const threads = z.union([z.literal('auto'), z.int().min(1).max(64)]);

describe('what a schema asks for, in words', () => {
  it.each([
    [engine, {}, 'id must be given'],
    [engine, { id: 5 }, 'id must be text'],
    [engine, { id: '' }, 'id must not be empty'],
    [engine, { id: 'xxxxxx' }, 'id must have at most 5 characters'],
    [engine, { id: 'x', force: true }, 'it must not have "force"'],
    [engine, { id: 'x', 'a\nb': true }, 'it must not have "a\\nb"'],
    [engine, null, 'it must be an object'],
    [z.int().max(9), 10, 'it must be at most 9'],
    [z.int().max(9), 1e99, 'it must be a smaller number'],
    [z.int(), 1.5, 'it must be a whole number'],
    [z.number().min(2), 1, 'it must be at least 2'],
    [z.array(z.boolean()), [true, 'no'], '1 must be true or false'],
    [z.enum(['debug', 'info']), 'loud', 'it must be one of "debug", "info"'],
    [threads, 'x', 'it must be "auto" or be a number'],
    [threads, 65, 'it must be at most 64'],
    [change, { key: '', value: 1 }, 'key must not be empty'],
    [change, { key: 'a', value: 'b' }, 'value must be a number'],
    [z.string().refine(() => false, 'be a full path'), 'x', 'it must be a full path'],
  ])('%#: %j → %s', (schema: z.ZodType, value: unknown, words) => {
    const { error } = schema.safeParse(value);
    expect(error && issueText(error, value)).toBe(words);
  });

  it('takes a subject that the sentence has named', () => {
    const { error } = engine.safeParse({ id: 5 });
    expect(error && issueText(error, { id: 5 }, 'it')).toBe('it must be text');
  });
});
