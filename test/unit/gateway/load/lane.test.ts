import { describe, expect, it } from 'vitest';
import { Lane } from '../../../../electron/agent/gateway/load/lane.ts';

function laneAfter({ inVain = 0, atOnce = 0, nowMs = 0 }): Lane {
  const lane = new Lane();
  for (let count = 0; count < inVain; count += 1) lane.waitedInVain(nowMs);
  for (let count = 0; count < atOnce; count += 1) lane.refusedAtOnce(nowMs);
  return lane;
}

describe('caution of a lane', () => {
  it('is none as long as nobody waits for nothing', () => {
    expect(new Lane().caution(0)).toBe(1);
    expect(laneAfter({ atOnce: 1_000 }).caution(0)).toBe(1);
  });

  it('grows with each who waited for nothing, to eight times at most', () => {
    expect(laneAfter({ inVain: 1 }).caution(0)).toBe(2);
    expect(laneAfter({ inVain: 3 }).caution(0)).toBe(4);
    expect(laneAfter({ inVain: 500 }).caution(0)).toBe(8);
  });

  it('goes when enough were told at once for each of them, and with time', () => {
    expect(laneAfter({ inVain: 2, atOnce: 100 }).caution(0)).toBeCloseTo(2.25, 9);
    expect(laneAfter({ inVain: 2, atOnce: 270 }).caution(0)).toBe(1);
    const lane = laneAfter({ inVain: 4, nowMs: 1_000 });
    expect(lane.caution(301_000)).toBeCloseTo(3, 9);
    expect(lane.caution(601_000)).toBeCloseTo(2, 9);
  });

  it('settles where fewer than one in a hundred refusals come late', () => {
    // Every wait that is promised at less than four times the caution is in vain: nothing else is learnt from here.
    const lane = new Lane();
    let inVain = 0;
    for (let refusal = 0; refusal < 10_000; refusal += 1) {
      if (lane.caution(0) < 4) {
        lane.waitedInVain(0);
        inVain += 1;
      } else lane.refusedAtOnce(0);
    }
    expect(inVain / 10_000).toBeLessThan(0.0085);
    expect(inVain / 10_000).toBeGreaterThan(0.0065);
  });
});
