import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodAt, quotaWeekAt } from '../../../../electron/agent/cloud/budget/period.ts';
import { ZonedTime, zoneNamed } from '../../../../electron/agent/cloud/budget/zoned-time.ts';
import { budgetPeriods } from '../../../../electron/contract/cloud.ts';

const iso = ({ startMs, endMs }: { startMs: number; endMs: number }): string[] =>
  [startMs, endMs].map((atMs) => new Date(atMs).toISOString().replace(':00.000Z', 'Z'));
const berlin = new ZonedTime('Europe/Berlin');
const at = (text: string): number => Date.parse(text);

describe('periodAt', () => {
  it.each([
    ['hour', '2026-11-22T12:34:56Z', '2026-11-22T12:00Z', '2026-11-22T13:00Z'],
    ['day', '2026-11-22T22:59:59Z', '2026-11-21T23:00Z', '2026-11-22T23:00Z'],
    ['day', '2026-11-22T23:00:00Z', '2026-11-22T23:00Z', '2026-11-23T23:00Z'],
    ['week', '2026-11-22T12:00:00Z', '2026-11-15T23:00Z', '2026-11-22T23:00Z'],
    ['week', '2026-12-31T12:00:00Z', '2026-12-27T23:00Z', '2027-01-03T23:00Z'],
    ['week', '2027-01-01T12:00:00Z', '2026-12-27T23:00Z', '2027-01-03T23:00Z'],
    ['month', '2026-12-31T22:59:59Z', '2026-11-30T23:00Z', '2026-12-31T23:00Z'],
    ['month', '2026-03-15T12:00:00Z', '2026-02-28T23:00Z', '2026-03-31T22:00Z'],
  ] as const)('%s at %s in Berlin is %s to %s', (kind, now, from, to) => {
    expect(iso(periodAt(kind, at(now), berlin))).toEqual([from, to]);
  });

  it('a day on which summer time begins has 23 hours, one on which it ends 25', () => {
    expect(iso(periodAt('day', at('2026-03-29T12:00:00Z'), berlin))).toEqual([
      '2026-03-28T23:00Z',
      '2026-03-29T22:00Z',
    ]);
    expect(iso(periodAt('day', at('2026-10-25T12:00:00Z'), berlin))).toEqual([
      '2026-10-24T22:00Z',
      '2026-10-25T23:00Z',
    ]);
  });

  it('the hour that comes twice in autumn is two hours', () => {
    expect(iso(periodAt('hour', at('2026-10-25T00:30:00Z'), berlin))).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T01:00Z',
    ]);
    expect(iso(periodAt('hour', at('2026-10-25T01:30:00Z'), berlin))).toEqual([
      '2026-10-25T01:00Z',
      '2026-10-25T02:00Z',
    ]);
  });

  it('a day whose midnight the clocks skip begins with the first time that they show', () => {
    const cairo = new ZonedTime('Africa/Cairo');
    expect(iso(periodAt('day', at('2026-04-24T12:00:00Z'), cairo))).toEqual(['2026-04-23T22:00Z', '2026-04-24T21:00Z']);
  });

  it('counts by zones with halves and quarters of an hour', () => {
    const nepal = new ZonedTime('Asia/Kathmandu');
    expect(iso(periodAt('hour', at('2026-11-22T12:20:00Z'), nepal))).toEqual([
      '2026-11-22T12:15Z',
      '2026-11-22T13:15Z',
    ]);
    const lordHowe = new ZonedTime('Australia/Lord_Howe');
    const day = periodAt('day', at('2026-10-03T20:00:00Z'), lordHowe);
    expect((day.endMs - day.startMs) / 3_600_000).toBe(23.5);
  });

  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  it('holds the instant, ends where the next begins, and has its end in no earlier one', () => {
    const instants = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) });
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.constantFrom(...budgetPeriods), instants, (name, kind, atMs) => {
        const zone = new ZonedTime(name);
        const period = periodAt(kind, atMs, zone);
        expect(period.startMs <= atMs && atMs < period.endMs).toBe(true);
        expect(periodAt(kind, period.startMs, zone)).toEqual(period);
        expect(periodAt(kind, period.endMs - 1, zone)).toEqual(period);
        expect(periodAt(kind, period.endMs, zone).startMs).toBe(period.endMs);
      }),
      { numRuns: 300 },
    );
  });
});

describe('quotaWeekAt', () => {
  it.each([
    ['2026-11-22T12:00:00Z', '2026-11-18T08:00Z', '2026-11-25T08:00Z'],
    ['2026-11-25T07:59:59Z', '2026-11-18T08:00Z', '2026-11-25T08:00Z'],
    ['2026-11-25T08:00:00Z', '2026-11-25T08:00Z', '2026-12-02T08:00Z'],
    ['2026-11-26T00:00:00Z', '2026-11-25T08:00Z', '2026-12-02T08:00Z'],
  ])('begins on Wednesday at nine in Berlin: %s', (now, from, to) => {
    expect(iso(quotaWeekAt(at(now), { resetDay: 3, resetHour: 9 }, berlin))).toEqual([from, to]);
  });
});

describe('ZonedTime', () => {
  it('says when something will be, as shortly as it can', () => {
    const nowMs = at('2026-11-22T12:00:00Z');
    expect(berlin.wordsFor(at('2026-11-22T23:00:00Z'), nowMs)).toBe('at 00:00');
    expect(berlin.wordsFor(at('2026-11-24T08:05:00Z'), nowMs)).toBe('on Tuesday at 09:05');
    expect(berlin.wordsFor(at('2026-11-30T23:00:00Z'), nowMs)).toBe('on 1 December at 00:00');
  });
});

describe('zoneNamed', () => {
  it('takes the zone of the settings, else that of the machine, else UTC where the machine names none', () => {
    expect(zoneNamed('Europe/Berlin', 'Asia/Tokyo')).toBe('Europe/Berlin');
    expect(zoneNamed(null, 'Asia/Tokyo')).toBe('Asia/Tokyo');
    // What the platform tells with an empty TZ.
    expect(zoneNamed(null, 'Etc/Unknown')).toBe('UTC');
    expect(() => new ZonedTime(zoneNamed(null))).not.toThrow();
  });
});
