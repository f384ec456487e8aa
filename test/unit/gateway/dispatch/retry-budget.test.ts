import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { RetryBudget } from '../../../../electron/agent/gateway/dispatch/retry-budget.ts';

const options = { share: 0.1, floor: 2, windowMs: 10_000, tries: 3 };

function budget() {
  const clock = new ManualClock();
  return { clock, retries: new RetryBudget(options, { clock }) };
}

describe('RetryBudget', () => {
  it('tries a request three times at most', () => {
    const { retries } = budget();
    retries.begin();
    expect(retries.retry(1)).toBe(true);
    expect(retries.retry(2)).toBe(true);
    expect(retries.retry(3)).toBe(false);
  });

  it('allows a few whatever happens, and a tenth of the requests beyond that', () => {
    const { retries } = budget();
    for (let count = 0; count < 100; count += 1) retries.begin();
    const allowed = Array.from({ length: 30 }, () => retries.retry(1)).filter(Boolean);
    expect(allowed).toHaveLength(10);
  });

  it('forgets what is older than its window', () => {
    const { clock, retries } = budget();
    retries.begin();
    expect([retries.retry(1), retries.retry(1), retries.retry(1)]).toEqual([true, true, false]);
    clock.advance(5_000);
    expect(retries.retry(1)).toBe(false);
    clock.advance(6_000);
    expect(retries.retry(1)).toBe(true);
    clock.advance(1_000_000);
    expect([retries.retry(1), retries.retry(1), retries.retry(1)]).toEqual([true, true, false]);
  });
});
