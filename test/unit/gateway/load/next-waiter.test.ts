import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aheadOf,
  displacedBy,
  nextWaiter,
  rankOf,
  type Standing,
  type Waiting,
} from '../../../../electron/agent/gateway/load/next-waiter.ts';
import { predictedWait, type LaneOutlook } from '../../../../electron/agent/gateway/load/predicted-wait.ts';
import type { Priority } from '../../../../electron/contract/routing.ts';

const still: Standing = { nowMs: 0, promoteAfterMs: 30_000, running: () => 0, lastServed: () => 0 };

function waiter(caller: string, priority: Priority = 'normal', sinceMs = 0): Waiting {
  return { ask: { lanes: ['a'], caller, priority }, sinceMs };
}

describe('the order among those who wait', () => {
  it('is by class, fewest running, longest unserved, first come', () => {
    const [low, first, second] = [waiter('x', 'low'), waiter('x'), waiter('y')];
    expect(nextWaiter([low, first, second], 'a', still)).toBe(first);
    expect(nextWaiter([low, first, second], 'a', { ...still, lastServed: (who) => (who === 'x' ? 2 : 1) })).toBe(
      second,
    );
    expect(nextWaiter([low, second, first], 'a', { ...still, running: (_, who) => (who === 'y' ? 1 : 0) })).toBe(first);
    expect(nextWaiter([low], 'a', still)).toBe(low);
    expect(nextWaiter([low], 'b', still)).toBeNull();
  });

  it('lets a class rise by its waiting, up to the highest', () => {
    const at = (nowMs: number): number => rankOf(waiter('x', 'low'), { ...still, nowMs });
    expect([at(0), at(29_999), at(30_000), at(60_000), at(900_000)]).toEqual([0, 0, 1, 2, 2]);
  });

  it('lets the newcomer go when nobody has less right to the place', () => {
    expect(displacedBy([waiter('x'), waiter('y')], waiter('z', 'low'), still)).toBeNull();
    expect(displacedBy([waiter('x'), waiter('y')], waiter('z'), still)).toBeNull();
    const last = waiter('x');
    expect(displacedBy([waiter('x'), last, waiter('y')], waiter('z'), still)).toBe(last);
    expect(displacedBy([], waiter('z'), still)).toBeNull();
  });

  it('predicts exactly how many of a class go first on one slot, whoever waits, runs and was served', () => {
    const caller = fc.constantFrom('x', 'y', 'z');
    const waiting = fc.array(caller, { maxLength: 12 });
    const served = fc.uniqueArray(caller, { maxLength: 3 });
    fc.assert(
      fc.property(waiting, caller, served, (callers, own, order) => {
        const newcomer = waiter(own);
        const all = callers.map((who) => waiter(who));
        const names: readonly string[] = order;
        // The one served last is the one that runs now.
        const running = (_: string, who: string): number => (who === names.at(-1) ? 1 : 0);
        const lastServed = (who: string): number => names.indexOf(who) + 1;
        const before = aheadOf(all, newcomer, { ...still, running, lastServed });
        expect(before.length).toBe(roundsUntil(newcomer, all, lastServed));
      }),
      { numRuns: 500 },
    );
  });

  it('predicts that all of a higher class go first, and none of a lower one', () => {
    const [low, high] = [waiter('x', 'low'), waiter('y', 'high')];
    expect(aheadOf([low, high], waiter('x'), still)).toEqual([high]);
  });
});

/** Gives the one slot away again and again, until it is the newcomer's turn. */
function roundsUntil(newcomer: Waiting, waiting: readonly Waiting[], served: (caller: string) => number): number {
  const left = [...waiting, newcomer];
  const since = new Map(['x', 'y', 'z'].map((who) => [who, served(who)]));
  for (let rounds = 0; ; rounds += 1) {
    const next = nextWaiter(left, 'a', { ...still, lastServed: (who) => since.get(who) ?? 0 });
    if (next === null || next === newcomer) return rounds;
    left.splice(left.indexOf(next), 1);
    since.set(next.ask.caller, 100 + rounds);
  }
}

describe('predictedWait', () => {
  function lane(slots: number, remainingMs: number[], stretch = 1, spread = 0): LaneOutlook {
    const running = remainingMs.map((ms) => ({ ms, offMs: ms * spread }));
    return { slots, running, stretch, spread: () => spread };
  }

  function predict(seen: LaneOutlook, ahead: readonly number[]): { waitMs: number; mostMs: number } {
    const work = ahead.map((serviceMs) => ({ lanes: ['a'] as const, caller: 'x', serviceMs }));
    return predictedWait(['a'], work, () => seen);
  }

  it.each([
    [lane(2, [500]), [], 0],
    [lane(2, [500, 800]), [], 500],
    [lane(2, [500, 800]), [1_000], 800],
    [lane(2, [500, 800]), [1_000, 1_000], 1_500],
    [lane(1, [500, 800, 900]), [], 900],
    [lane(2, [500, 800, 900]), [], 800],
    [lane(1, [500], 2), [1_000], 2_500],
  ])('%j behind %j is %d ms', (seen, ahead, waitMs) => {
    // Where nothing is ever off, the most is what is expected.
    expect(predict(seen, ahead)).toEqual({ waitMs, mostMs: waitMs });
  });

  it('is as uncertain as the one that has to end, and evens out behind many', () => {
    const few = predict(lane(1, [1_000], 1, 0.5), []);
    expect(few).toEqual({ waitMs: 1_000, mostMs: 1_500 });
    const many = predict(
      lane(4, [1_000, 1_000, 1_000, 1_000], 1, 0.5),
      Array.from({ length: 36 }, () => 1_000),
    );
    expect(many.waitMs).toBe(10_000);
    expect(many.mostMs).toBeGreaterThan(11_000);
    expect(many.mostMs).toBeLessThan(13_000);
  });
});
