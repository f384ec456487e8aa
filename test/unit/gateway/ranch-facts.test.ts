import { expect, it } from 'vitest';
import { ranchHeaders } from '../../../electron/contract/routing.ts';
import { factHeaders } from '../../../electron/agent/gateway/ranch-facts.ts';

function ignoredOf(ignored: readonly string[]): string | undefined {
  const facts = { trace: 't', node: 'n', route: 'local', upstream: null, model: null, reason: 'local-idle' } as const;
  const headers = factHeaders({ ...facts, ignored });
  const at = headers.indexOf(ranchHeaders.ignored);
  return at === -1 ? undefined : headers[at + 1];
}

it('names what was dropped, and cuts the list between names only', () => {
  const names = Array.from({ length: 20 }, (_, index) => `a_field_of_mine_${String(index)}`);
  const told = ignoredOf(names)?.split(', ') ?? [];
  expect(told.length).toBeGreaterThan(10);
  expect(told).toEqual(names.slice(0, told.length));
  expect(told.join(', ').length).toBeLessThanOrEqual(256);
  expect(ignoredOf(['a'.repeat(300), 'b'])).toBe('a'.repeat(256));
  expect(ignoredOf(['a', 'b'])).toBe('a, b');
  expect(ignoredOf([])).toBeUndefined();
});
