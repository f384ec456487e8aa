import { describe, expect, it } from 'vitest';
import { commandSchemas, digestTyped, querySchemas } from '../../../electron/contract/control.ts';

describe('the control API’s shapes', () => {
  it('read a query string: numbers and switches are text there', () => {
    expect(querySchemas.logs.parse({ engine: 'x' })).toEqual({ engine: 'x', lines: 200, follow: false });
    expect(querySchemas.logs.parse({ engine: 'x', lines: '5', follow: 'true' })).toMatchObject({
      lines: 5,
      follow: true,
    });
    expect(querySchemas.logs.safeParse({ engine: 'x', lines: '0' }).success).toBe(false);
    expect(querySchemas.logs.safeParse({ engine: 'x', lines: '5001' }).success).toBe(false);
    expect(querySchemas.logs.safeParse({ engine: 'x', other: '1' }).success).toBe(false);
  });

  it('take a sha256 as pages show it, and leave alone what is none', () => {
    const hex = 'aB'.repeat(32);
    expect(digestTyped(` ${hex}\n`)).toBe(`sha256:${hex}`);
    expect(digestTyped(`sha256:${hex}`)).toBe(`sha256:${hex}`);
    expect(digestTyped(hex.slice(1))).toBe(hex.slice(1));
  });

  it('bound what names an engine or a setting', () => {
    expect(commandSchemas['engines.start'].safeParse({ id: 'x'.repeat(201) }).success).toBe(false);
    expect(commandSchemas['settings.update'].safeParse({ key: '', value: 1 }).success).toBe(false);
    expect(commandSchemas['settings.update'].safeParse({ key: 'a', text: '1', value: 1 }).success).toBe(false);
    expect(commandSchemas['settings.update'].safeParse({ key: 'a', text: 'x'.repeat(10_001) }).success).toBe(false);
    expect(commandSchemas['settings.update'].safeParse({ key: 'a', text: '1' }).success).toBe(true);
    expect(commandSchemas['agent.shutdown'].safeParse({ now: true }).success).toBe(false);
  });
});
