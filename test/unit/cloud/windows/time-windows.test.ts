import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { ZonedTime } from '../../../../electron/agent/cloud/budget/zoned-time.ts';
import { overlaps } from '../../../../electron/agent/cloud/windows/overlaps.ts';
import { TimeWindows } from '../../../../electron/agent/cloud/windows/time-windows.ts';
import { isOpenAt, windowState } from '../../../../electron/agent/cloud/windows/window.ts';
import { windowSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { cloudSettings } from '../cloud-settings.ts';

type Input = z.input<typeof windowSettingsSchema>;
const window = (change: Partial<Input> = {}) => windowSettingsSchema.parse({ target: 'anthropic/opus', ...change });
const at = (text: string): number => Date.parse(text);

function windowsAt(text: string, windows: Input[], timeZone = 'UTC') {
  const clock = new ManualClock(at(text));
  const held = { settings: cloudSettings({ windows, timeZone }) };
  return { clock, held, windows: new TimeWindows({ settings: () => held.settings }, { clock }) };
}

describe('TimeWindows', () => {
  const round = { target: 'anthropic/opus', fromMinute: 20, toMinute: 30 };

  it('leaves open what has no window', () => {
    const { windows } = windowsAt('2026-11-22T12:00:00Z', [round]);
    expect(windows.closed('openai', 'gpt')).toBeNull();
    expect(windows.closed('anthropic', 'haiku')).toBeNull();
    expect(windows.state('openai', 'gpt')).toEqual({ isOpen: true, changesAtMs: null });
  });

  it('opens from minute 20 to 30 of each hour', () => {
    const { windows, clock } = windowsAt('2026-11-22T12:19:59.999Z', [round]);
    expect(windows.closed('anthropic', 'opus')).toEqual({
      sentence: 'Time windows keep anthropic/opus closed now. It opens at 12:20.',
      opensAtMs: at('2026-11-22T12:20:00Z'),
    });
    clock.advance(1);
    expect(windows.closed('anthropic', 'opus')).toBeNull();
    expect(windows.nextChangeMs()).toBe(at('2026-11-22T12:30:00Z'));
    clock.advance(10 * 60_000);
    expect(windows.closed('anthropic', 'opus')?.opensAtMs).toBe(at('2026-11-22T13:20:00Z'));
    clock.setWallTime(at('2026-11-22T12:25:00Z'));
    expect(windows.closed('anthropic', 'opus')).toBeNull();
  });

  it('closes all models of a provider that has windows', () => {
    const { windows } = windowsAt('2026-11-22T12:00:00Z', [{ target: 'anthropic', fromHour: 18, toHour: 20 }]);
    expect(windows.closed('anthropic', 'haiku')?.sentence).toBe(
      'Time windows keep the provider anthropic closed now. It opens at 18:00.',
    );
  });

  it('opens a model with windows of its own only while its provider’s are open too', () => {
    const all = [{ target: 'anthropic', fromHour: 18, toHour: 20 }, round];
    expect(windowsAt('2026-11-22T12:25:00Z', all).windows.closed('anthropic', 'opus')?.opensAtMs).toBe(
      at('2026-11-22T18:20:00Z'),
    );
    expect(windowsAt('2026-11-22T19:25:00Z', all).windows.closed('anthropic', 'opus')).toBeNull();
  });

  it('takes several windows together', () => {
    const all = [round, { ...round, fromMinute: 30, toMinute: 35 }, { ...round, fromMinute: 50, toMinute: 60 }];
    const { windows } = windowsAt('2026-11-22T12:25:00Z', all);
    expect(windows.state('anthropic', 'opus').changesAtMs).toBe(at('2026-11-22T12:35:00Z'));
  });

  it('counts a night to the day on which it begins', () => {
    const night = { target: 'anthropic', fromHour: 22, toHour: 6, days: [5] };
    const open = (text: string): boolean => windowsAt(text, [night]).windows.closed('anthropic', 'x') === null;
    expect(open('2026-11-20T23:00:00Z')).toBe(true);
    expect(open('2026-11-21T05:59:00Z')).toBe(true);
    expect(open('2026-11-21T06:00:00Z')).toBe(false);
    expect(open('2026-11-20T05:00:00Z')).toBe(false);
    const sunday = { ...night, days: [7] };
    expect(windowsAt('2026-11-23T03:00:00Z', [sunday]).windows.closed('anthropic', 'x')).toBeNull();
  });

  it('goes by the clocks of the time zone, also where they change', () => {
    const morning = [{ target: 'anthropic', fromHour: 2, toHour: 3 }];
    const spring = windowsAt('2026-03-28T12:00:00Z', morning, 'Europe/Berlin').windows;
    // On 29 March two o'clock is left out in Berlin.
    expect(spring.closed('anthropic', 'x')?.opensAtMs).toBe(at('2026-03-30T00:00:00Z'));
    const autumn = windowsAt('2026-10-25T00:30:00Z', morning, 'Europe/Berlin').windows;
    expect(autumn.state('anthropic', 'x')).toEqual({ isOpen: true, changesAtMs: at('2026-10-25T02:00:00Z') });
  });

  it('says so where a window never opens', () => {
    const never = [
      { target: 'anthropic', fromHour: 1, toHour: 2 },
      { ...round, fromHour: 5, toHour: 6 },
    ];
    const { windows } = windowsAt('2026-11-22T12:00:00Z', never);
    expect(windows.closed('anthropic', 'opus')?.sentence).toContain('do not open within a week');
  });

  it('holds what the operator changes at once', () => {
    const { windows, held } = windowsAt('2026-11-22T12:00:00Z', [round]);
    expect(windows.closed('anthropic', 'opus')).not.toBeNull();
    held.settings = cloudSettings();
    expect(windows.closed('anthropic', 'opus')).toBeNull();
    held.settings = cloudSettings({ windows: [round], timeZone: 'Asia/Kathmandu' });
    expect(windows.closed('anthropic', 'opus')?.opensAtMs).toBe(at('2026-11-22T12:35:00Z'));
  });

  const anyWindow = fc.record({
    fromMinute: fc.integer({ min: 0, max: 59 }),
    toMinute: fc.integer({ min: 1, max: 60 }),
    fromHour: fc.integer({ min: 0, max: 23 }),
    toHour: fc.integer({ min: 1, max: 24 }),
    days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  });
  it('changes exactly when it says, as looking at every minute shows', () => {
    const instants = fc.integer({ min: at('2026-10-20T00:00:00Z'), max: at('2026-10-30T00:00:00Z') });
    fc.assert(
      fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), instants, (changes, atMs) => {
        const zone = new ZonedTime('Europe/Berlin');
        const union = changes.map((change) => window(change));
        const open = (ms: number): boolean => union.some((one) => isOpenAt(one, zone.wallAt(ms)));
        const { isOpen, changesAtMs } = windowState([union], atMs, zone);
        expect(isOpen).toBe(open(atMs));
        let next = Math.floor(atMs / 60_000) * 60_000 + 60_000;
        while (next < atMs + 7 * 86_400_000 && open(next) === isOpen) next += 60_000;
        if (open(next) !== isOpen) expect(changesAtMs).toBe(next);
      }),
      { numRuns: 60 },
    );
  });
});

describe('overlaps', () => {
  it('says nothing of windows that take turns, and of nodes and models without any', () => {
    const mine = [window({ fromMinute: 20, toMinute: 30 })];
    const others = [
      { node: 'halcyon', windows: [window({ fromMinute: 30, toMinute: 40 })] },
      { node: 'aurora', windows: [] },
      { node: 'lilly', windows: [window({ target: 'openai/gpt' })] },
    ];
    expect(overlaps(mine, others)).toEqual([]);
  });

  it('says where, with whom and how long they meet, and what to do', () => {
    const mine = [window({ fromMinute: 20, toMinute: 30 })];
    const others = [{ node: 'halcyon', windows: [window({ fromMinute: 25, toMinute: 40, days: [2], fromHour: 9 })] }];
    expect(overlaps(mine, others)).toEqual([
      'anthropic/opus is open here and on halcyon at the same time for 75 minutes a week, such as on Tuesday from 09:25 to 09:30. Give each node minutes of its own.',
    ]);
    expect(overlaps([window()], [{ node: 'halcyon', windows: [window({ target: 'anthropic' })] }])[0]).toContain(
      'all the time',
    );
  });

  it('reckons with clocks that are ahead', () => {
    const mine = [window({ fromHour: 9, toHour: 10 })];
    const windows = [window({ fromHour: 10, toHour: 11 })];
    expect(overlaps(mine, [{ node: 'halcyon', windows }])).toEqual([]);
    expect(overlaps(mine, [{ node: 'halcyon', windows, aheadMinutes: 60 }])[0]).toContain('420 minutes');
  });
});
