import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowSettingsSchema, type WindowSettings } from '../../../../electron/contract/cloud.ts';
import {
  arcPath,
  coversHour,
  coversMinute,
  dayWords,
  edgeAfterKey,
  isOpen,
  minuteAt,
  nextWindow,
  openMinutes,
  placeOf,
  sameWindows,
  spanOf,
  unionOfMinutes,
  unionWords,
  wallTime,
  windowWords,
  withEdge,
} from '../../../../renderer/format/windows.ts';

const window = (over: Partial<WindowSettings> = {}): WindowSettings =>
  windowSettingsSchema.parse({ target: 'anthropic', ...over });
const monday = { day: 1, hour: 9, minute: 25 };
const aWindow = fc.record({
  fromMinute: fc.integer({ min: 0, max: 59 }),
  toMinute: fc.integer({ min: 1, max: 60 }),
});

describe('wall time', () => {
  it('is that of the zone, in summer and in winter, and of the reader where the zone is not known', () => {
    expect(wallTime(Date.parse('2026-11-22T23:30:00Z'), 'Europe/Berlin')).toEqual({ day: 1, hour: 0, minute: 30 });
    expect(wallTime(Date.parse('2026-07-05T22:00:00Z'), 'Europe/Berlin')).toEqual({ day: 1, hour: 0, minute: 0 });
    expect(wallTime(Date.parse('2026-11-22T23:30:00Z'), 'Asia/Kolkata')).toEqual({ day: 1, hour: 5, minute: 0 });
    const nowMs = Date.now();
    expect(wallTime(nowMs, 'Moon/Base')).toEqual(wallTime(nowMs, undefined));
  });
});

describe('a window', () => {
  it('takes its first minute and not its last, and runs over the full hour where it ends before it begins', () => {
    const ten = window({ fromMinute: 20, toMinute: 30 });
    expect([19, 20, 29, 30].map((minute) => coversMinute(ten, minute))).toEqual([false, true, true, false]);
    const over = window({ fromMinute: 50, toMinute: 5 });
    expect([49, 50, 59, 0, 4, 5].map((minute) => coversMinute(over, minute))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('over midnight belongs to the day on which it begins, Sunday’s to Monday too', () => {
    const night = window({ fromHour: 22, toHour: 6, days: [7] });
    expect(coversHour(night, 7, 23)).toBe(true);
    expect(coversHour(night, 1, 5)).toBe(true);
    expect(coversHour(night, 1, 6)).toBe(false);
    expect(coversHour(night, 7, 5)).toBe(false);
    expect(coversHour(window(), 3, 23)).toBe(true);
  });

  it('is open by minute, hour and day together; without any, always', () => {
    const work = window({ fromMinute: 20, toMinute: 30, fromHour: 8, toHour: 18, days: [1, 2] });
    expect(isOpen([], monday)).toBe(true);
    expect(isOpen([work], monday)).toBe(true);
    expect(isOpen([work], { ...monday, minute: 30 })).toBe(false);
    expect(isOpen([work], { ...monday, hour: 18 })).toBe(false);
    expect(isOpen([work], { ...monday, day: 3 })).toBe(false);
    expect(isOpen([work, window({ fromMinute: 30, toMinute: 31 })], { ...monday, minute: 30 })).toBe(true);
  });

  it('is told in words', () => {
    expect(windowWords(window({ fromMinute: 20, toMinute: 30 }))).toBe(
      'Minutes 20 to 30 of each hour, all day, every day',
    );
    expect(windowWords(window({ fromHour: 8, toHour: 18, days: [1, 2, 3, 4, 5] }))).toBe(
      'The whole hour, 8 to 18 o’clock, Monday to Friday',
    );
    expect(dayWords([7, 1])).toBe('Monday, Sunday');
    expect(dayWords([6, 7])).toBe('Saturday, Sunday');
  });
});

describe('windows together', () => {
  it('are one stretch where they touch, and one over the full hour ends above 60', () => {
    expect(unionOfMinutes([window({ fromMinute: 0, toMinute: 10 }), window({ fromMinute: 10, toMinute: 20 })])).toEqual(
      [{ from: 0, to: 20 }],
    );
    expect(unionOfMinutes([window({ fromMinute: 50, toMinute: 5 }), window({ fromMinute: 20, toMinute: 30 })])).toEqual(
      [
        { from: 20, to: 30 },
        { from: 50, to: 65 },
      ],
    );
    expect(unionOfMinutes([window()])).toEqual([{ from: 0, to: 60 }]);
    expect(unionOfMinutes([])).toEqual([]);
  });

  it('cover each minute that one of them covers, and no other', () => {
    fc.assert(
      fc.property(fc.array(aWindow, { maxLength: 5 }), (windows) => {
        const inUnion = new Set(
          unionOfMinutes(windows).flatMap(({ from, to }) =>
            Array.from({ length: to - from }, (_, index) => (from + index) % 60),
          ),
        );
        for (let minute = 0; minute < 60; minute += 1)
          expect(inUnion.has(minute)).toBe(windows.some((one) => coversMinute(one, minute)));
      }),
    );
  });

  it('are told for the hour that is, and counted for any', () => {
    const windows = [
      window({ fromMinute: 20, toMinute: 30 }),
      window({ fromMinute: 50, toMinute: 5, fromHour: 8, toHour: 18 }),
    ];
    expect(unionWords(windows, monday)).toBe('In this hour: minutes 20 to 30 and 50 to 5, 25 minutes in all.');
    expect(unionWords(windows, { ...monday, hour: 3 })).toBe('In this hour: minutes 20 to 30, 10 minutes in all.');
    expect(unionWords([window()], monday)).toBe('In this hour: all of it.');
    expect(unionWords([window({ days: [2] })], monday)).toBe('In this hour: not at all.');
    expect(openMinutes(windows, 1, 9)).toBe(25);
    expect(openMinutes(windows, 1, 3)).toBe(10);
  });
});

describe('the ring', () => {
  it('a place on it and its minute are each other’s', () => {
    for (let minute = 0; minute < 60; minute += 1) {
      const { x, y } = placeOf(minute, 72);
      expect(minuteAt(x, y)).toBe(minute);
    }
  });

  it('edges go round it by drag and by key, and stay what the settings take', () => {
    fc.assert(
      fc.property(
        aWindow,
        fc.constantFrom('from' as const, 'to' as const),
        fc.integer({ min: -200, max: 200 }),
        (part, edge, minute) => {
          const moved = withEdge(window(part), edge, minute);
          expect(windowSettingsSchema.safeParse(moved).success).toBe(true);
        },
      ),
    );
    expect(withEdge(window(), 'to', 0).toMinute).toBe(60);
    expect(withEdge(window(), 'from', 60).fromMinute).toBe(0);
    expect(
      ['ArrowRight', 'ArrowDown', 'PageUp', 'Home', 'End', 'Tab', 'toString'].map((key) => edgeAfterKey(20, key)),
    ).toEqual([21, 19, 25, 0, 59, null, null]);
  });

  it('draws all of it as two halves, since one arc cannot be', () => {
    expect(spanOf(window({ fromMinute: 50, toMinute: 5 }))).toEqual({ from: 50, to: 65 });
    expect(arcPath(0, 60, 72).match(/A/gu)).toHaveLength(2);
    expect(arcPath(20, 30, 72)).toMatch(/^M .* A 72 72 0 0 1 /u);
    expect(arcPath(20, 55, 72)).toMatch(/ A 72 72 0 1 1 /u);
  });

  it('a new window takes ten minutes that no other has', () => {
    expect(nextWindow('x', [window({ fromMinute: 0, toMinute: 15 })])).toMatchObject({ fromMinute: 20, toMinute: 30 });
    expect(nextWindow('x', [window()])).toMatchObject({ fromMinute: 0, toMinute: 10 });
    expect(windowSettingsSchema.safeParse(nextWindow('x', [window({ fromMinute: 0, toMinute: 50 })])).success).toBe(
      true,
    );
  });

  it('knows what was changed, whatever the order of the days', () => {
    expect(sameWindows([window({ days: [1, 2] })], [window({ days: [2, 1] })])).toBe(true);
    expect(sameWindows([window()], [window({ toMinute: 59 })])).toBe(false);
    expect(sameWindows([], [window()])).toBe(false);
  });
});
