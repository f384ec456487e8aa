import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { TurnedAway } from '../../../electron/agent/gateway/turned-away.ts';

describe('TurnedAway', () => {
  it('lets a few of each minute leave a trace', () => {
    const clock = new ManualClock();
    const turnedAway = new TurnedAway({ perMinute: 3 }, { clock });
    const some = (): number => Array.from({ length: 100 }, () => turnedAway.leavesTrace()).filter(Boolean).length;
    expect(some()).toBe(3);
    expect(some()).toBe(0);
    clock.advance(62_000);
    expect(some()).toBe(3);
  });
});
