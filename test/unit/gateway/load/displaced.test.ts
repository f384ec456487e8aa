import { describe, expect, it } from 'vitest';
import { displacedBy } from '../../../../electron/agent/gateway/load/displaced.ts';
import type { Waiting } from '../../../../electron/agent/gateway/load/next-waiter.ts';
import type { Priority } from '../../../../electron/contract/routing.ts';

const early = { nowMs: 0, patienceMs: 30_000 };
const late = { nowMs: 30_000, patienceMs: 30_000 };

function waiter(caller: string, priority: Priority = 'normal', sinceMs = 0): Waiting {
  return { ask: { lanes: ['a'], caller, priority }, sinceMs };
}

describe('who has to go from a full queue', () => {
  it('is the newcomer when nobody has less right to the place', () => {
    expect(displacedBy([waiter('x'), waiter('y')], waiter('z', 'low'), early)).toBeNull();
    expect(displacedBy([waiter('x'), waiter('y')], waiter('z'), early)).toBeNull();
    expect(displacedBy([], waiter('z'), early)).toBeNull();
  });

  it('is the last to come of the caller that has the most', () => {
    const last = waiter('x');
    expect(displacedBy([waiter('x'), last, waiter('y')], waiter('z'), early)).toBe(last);
  });

  it('is one of the lowest class, however long all of that class have waited', () => {
    const lows = Array.from({ length: 8 }, () => waiter('x', 'low'));
    for (const standing of [early, late]) {
      expect(displacedBy(lows, waiter('x', 'high'), standing)).toBe(lows[7]);
      expect(displacedBy([...lows, waiter('x')], waiter('x'), standing)).toBe(lows[7]);
    }
  });

  it('is none of the first who have waited long and whom the newcomer would overtake, up to a quarter of the queue', () => {
    const [one, two, three] = [waiter('x', 'low'), waiter('x', 'low'), waiter('x', 'low')];
    const normals = Array.from({ length: 6 }, () => waiter('y'));
    expect(displacedBy([one, two, ...normals], waiter('z', 'high'), early)).toBe(two);
    expect(displacedBy([one, two, ...normals], waiter('y'), late)).toBeNull();
    expect(displacedBy([one, two, ...normals], waiter('z', 'high'), late)).toBe(normals[5]);
    expect(displacedBy([one, two, three, ...normals], waiter('z', 'high'), late)).toBe(normals[5]);
    expect(displacedBy([one, two, three, ...normals.slice(0, 5)], waiter('z', 'high'), late)).toBe(three);
    // The one that waits alone in a small queue as well.
    expect(displacedBy([one, waiter('y')], waiter('y'), late)).toBeNull();
  });

  it('is one of a flood among equals, long waited or not', () => {
    const flood = Array.from({ length: 4 }, () => waiter('x', 'low'));
    expect(displacedBy(flood, waiter('y', 'low'), late)).toBe(flood[3]);
  });
});
