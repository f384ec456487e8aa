import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { BudgetClock } from '../../../../electron/agent/cloud/budget/budget-clock.ts';

const dayMs = 86_400_000;

describe('BudgetClock', () => {
  it('F22 runs on from the latest time seen where the wall clock is set back, as quickly as time passes', () => {
    const wall = new ManualClock();
    const clock = new BudgetClock(wall);
    const startMs = clock.now();
    wall.setWallTime(startMs + dayMs);
    expect(clock.now()).toBe(startMs + dayMs);
    wall.setWallTime(startMs);
    expect(clock.now()).toBe(startMs + dayMs);
    wall.advance(3_600_000);
    expect(clock.now()).toBe(startMs + dayMs + 3_600_000);
    expect(clock.toWall(clock.now() + 1_000)).toBe(wall.now() + 1_000);
  });

  it('F22 goes on from what an earlier run saw', () => {
    const wall = new ManualClock();
    const clock = new BudgetClock(wall);
    clock.atLeast(wall.now() + dayMs);
    expect(clock.now()).toBe(wall.now() + dayMs);
    clock.atLeast(wall.now());
    expect(clock.now()).toBe(wall.now() + dayMs);
  });

  it('waits for a clock that is trimmed by a little, and is the wall clock else', () => {
    const wall = new ManualClock();
    const clock = new BudgetClock(wall);
    const startMs = clock.now();
    wall.setWallTime(startMs - 500);
    expect(clock.now()).toBe(startMs);
    wall.advance(400);
    expect(clock.now()).toBe(startMs);
    wall.advance(200);
    expect(clock.now()).toBe(startMs + 100);
    expect(clock.toWall(startMs + 5_000)).toBe(startMs + 5_000);
  });

  it('F22 never counts backwards, however clocks are set', () => {
    const step = fc.record({ setBy: fc.integer({ min: -2 * dayMs, max: 2 * dayMs }), advance: fc.nat(7_200_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const wall = new ManualClock(Date.UTC(2026, 5, 1));
        const clock = new BudgetClock(wall);
        let beforeMs = clock.now();
        for (const { setBy, advance } of steps) {
          wall.setWallTime(wall.now() + setBy);
          wall.advance(advance);
          const nowMs = clock.now();
          expect(nowMs).toBeGreaterThanOrEqual(Math.max(beforeMs, wall.now()));
          beforeMs = nowMs;
        }
      }),
    );
  });
});
