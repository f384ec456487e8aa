import { expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { CalmAnnouncer } from '../../../../electron/agent/models/pull/calm-announcer.ts';
import { Progress } from '../../../../electron/agent/models/pull/progress.ts';

it('reckons speed over the last five seconds and what is left from it', () => {
  const progress = new Progress(0, 100_000);
  expect(progress.bytesPerSecond(0)).toBeNull();
  for (let ms = 0; ms <= 10_000; ms += 100) progress.reach(ms * 1, ms);
  for (let ms = 10_100; ms <= 20_000; ms += 100) progress.reach(10_000 + (ms - 10_000) * 4, ms);
  expect(progress.bytesPerSecond(20_000)).toBeCloseTo(4_000, -2);
  expect(progress.secondsLeft(20_000)).toBeCloseTo((100_000 - 50_000) / 4_000, 0);
  // Nothing more comes: the speed falls instead of standing still.
  expect(progress.bytesPerSecond(25_000)).toBeLessThan(2_100);
});

it('never falls but by beginning again', () => {
  const progress = new Progress(500, null);
  progress.reach(400, 1_000);
  expect(progress.receivedBytes).toBe(500);
  expect(progress.secondsLeft(2_000)).toBeNull();
  progress.beginAgain(0);
  expect(progress.receivedBytes).toBe(0);
  expect(progress.bytesPerSecond(3_000)).toBeNull();
});

it('announces progress at most four times a second, the last one too, and what matters at once', () => {
  const clock = new ManualClock();
  const announcer = new CalmAnnouncer({ everyMs: 250 }, { clock });
  let heard = 0;
  announcer.changed.subscribe(() => (heard += 1));
  for (let ms = 0; ms < 1_000; ms += 10) {
    announcer.soon();
    clock.advance(10);
  }
  expect(heard).toBe(4 + 1);
  announcer.now();
  expect(heard).toBe(6);
  announcer.soon();
  announcer.stop();
  clock.advance(1_000);
  expect([heard, clock.waiting]).toEqual([6, 0]);
});
