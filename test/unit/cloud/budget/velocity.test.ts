import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { BudgetClock } from '../../../../electron/agent/cloud/budget/budget-clock.ts';
import { BudgetSums } from '../../../../electron/agent/cloud/budget/budget-sums.ts';
import { VelocityAlarm } from '../../../../electron/agent/cloud/budget/velocity-alarm.ts';
import { velocity } from '../../../../electron/agent/cloud/budget/velocity.ts';
import { nanosFrom } from '../../../../electron/agent/cloud/prices/cost.ts';
import { cloudSettings } from '../cloud-settings.ts';

const usd = nanosFrom;
const minuteMs = 60_000;
const facts = { recent: usd(1), hourly: [], factor: 5, floor: usd(1), accepted: null };

describe('velocity', () => {
  it('projects ten minutes to an hour and compares that with the median of the hours that spent', () => {
    const hourly = [0, 0, usd(2), usd(4), usd(90), 0];
    expect(velocity({ ...facts, hourly })).toEqual({ projected: usd(6), usual: usd(4), isTooQuick: false });
    expect(velocity({ ...facts, hourly, recent: usd(3.4) }).isTooQuick).toBe(true);
    expect(velocity({ ...facts, hourly: [usd(2), usd(4)] }).usual).toBe(usd(3));
  });

  it('counts an hour as at least the floor', () => {
    expect(velocity({ ...facts, hourly: [usd(0.01)], recent: usd(0.8) }).isTooQuick).toBe(false);
    expect(velocity({ ...facts, hourly: [usd(0.01)], recent: usd(0.84) }).isTooQuick).toBe(true);
  });

  it('takes a rate that was accepted for usual', () => {
    expect(velocity({ ...facts, recent: usd(2), accepted: usd(3) }).isTooQuick).toBe(false);
  });
});

describe('VelocityAlarm', () => {
  function alarmAt(text: string, change = {}) {
    const wall = new ManualClock(Date.parse(text));
    const clock = new BudgetClock(wall);
    const settings = () => cloudSettings({ velocityAlarm: change });
    const sums = new BudgetSums({ settings }, { clock });
    return { wall, alarm: new VelocityAlarm({ settings }, { clock, sums }) };
  }

  it('says how much was spent how quickly, and what to do', () => {
    const { alarm } = alarmAt('2026-11-22T12:20:00Z');
    expect(alarm.spent(usd(0.5))).toBe(false);
    expect(alarm.spent(usd(0.5))).toBe(true);
    expect(alarm.spent(usd(0.5))).toBe(false);
    expect(alarm.pause?.sentence).toBe(
      '$1.00 was spent in ten minutes, which is $6.00 an hour instead of $1.00: nothing more goes to the cloud for now. Look into Traffic for who spends it, then resume.',
    );
  });

  it('hears of nothing that is longer ago than ten minutes', () => {
    const { wall, alarm } = alarmAt('2026-11-22T12:20:00Z');
    alarm.spent(usd(0.8));
    wall.advance(10 * minuteMs);
    expect(alarm.spent(usd(0.8))).toBe(false);
  });

  it('ends by itself at the start of the next hour, once spending has calmed down', () => {
    const { wall, alarm } = alarmAt('2026-11-22T12:55:00Z');
    alarm.spent(usd(2));
    wall.advance(5 * minuteMs);
    expect(alarm.pause).not.toBeNull();
    wall.advance(5 * minuteMs);
    expect(alarm.pause).toBeNull();
    const early = alarmAt('2026-11-22T12:20:00Z');
    early.alarm.spent(usd(2));
    early.wall.advance(39 * minuteMs);
    expect(early.alarm.pause).not.toBeNull();
    early.wall.advance(minuteMs);
    expect(early.alarm.pause).toBeNull();
  });

  it('is not raised again by the same rate after the operator has resumed, but by a much higher one', () => {
    const { alarm } = alarmAt('2026-11-22T12:20:00Z');
    alarm.spent(usd(2));
    alarm.resume();
    expect(alarm.pause).toBeNull();
    expect(alarm.spent(usd(2))).toBe(false);
    expect(alarm.spent(usd(9))).toBe(true);
  });

  it.each([0, 5, 11, 30])('takes the rate that raised it for usual, resumed %d minutes later', (minutes) => {
    const { wall, alarm } = alarmAt('2026-11-22T12:01:00Z');
    const goOn = (count: number): boolean[] =>
      Array.from({ length: count }, () => {
        wall.advance(minuteMs / 2);
        return alarm.spent(usd(0.2));
      });
    expect(goOn(5)).toEqual([false, false, false, false, true]);
    wall.advance(minutes * minuteMs);
    alarm.resume();
    expect(goOn(60)).not.toContain(true);
  });

  it('takes what was under way when it was raised for part of the rate', () => {
    const { wall, alarm } = alarmAt('2026-11-22T12:01:00Z');
    const burst = (): boolean[] => Array.from({ length: 20 }, () => alarm.spent(usd(1)));
    expect(burst().indexOf(true)).toBe(0);
    wall.advance(11 * minuteMs);
    alarm.resume();
    expect(burst()).not.toContain(true);
  });

  it('accepts no rate where it was not raised any more when the operator resumed', () => {
    const { wall, alarm } = alarmAt('2026-11-22T12:55:00Z');
    alarm.spent(usd(2));
    wall.advance(10 * minuteMs);
    alarm.resume();
    expect(alarm.spent(usd(2))).toBe(true);
  });

  it('is silent where it is switched off, and over at once', () => {
    const { alarm } = alarmAt('2026-11-22T12:20:00Z', { enabled: false });
    expect(alarm.spent(usd(99))).toBe(false);
    alarm.restore({ sinceMs: Date.parse('2026-11-22T12:10:00Z'), sentence: '', rate: 0 });
    expect(alarm.pause).toBeNull();
  });
});
