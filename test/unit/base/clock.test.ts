import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';

describe('ManualClock', () => {
  it('runs what falls due in order of time, not of registration', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    clock.after(200, () => ran.push(`late ${clock.monotonic()}`));
    clock.after(100, () => ran.push(`early ${clock.monotonic()}`));
    clock.advance(99);
    expect(ran).toEqual([]);
    clock.advance(101);
    expect(ran).toEqual(['early 100', 'late 200']);
    expect(clock.waiting).toBe(0);
  });

  it('repeats until cancelled, also when a step spans several periods', () => {
    const clock = new ManualClock();
    let count = 0;
    const cancel = clock.every(10, () => (count += 1));
    clock.advance(35);
    expect(count).toBe(3);
    cancel();
    clock.advance(100);
    expect(count).toBe(3);
  });

  it('lets a task add another one that still falls due in the same step', () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    clock.after(10, () => clock.after(10, () => ran.push(clock.monotonic())));
    clock.advance(20);
    expect(ran).toEqual([20]);
  });

  it('keeps durations when the wall clock is set', () => {
    const clock = new ManualClock(1_000);
    let ran = false;
    clock.after(50, () => (ran = true));
    clock.setWallTime(86_400_000);
    clock.advance(49);
    expect(ran).toBe(false);
    clock.advance(1);
    expect(ran).toBe(true);
    expect(clock.now()).toBe(86_400_050);
  });
});
