import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { durationMs, momentMs } from '../../../electron/cli/duration.ts';

vi.stubEnv('TZ', 'Europe/Berlin');

const hourMs = 3_600_000;
const nowMs = Date.parse('2026-11-22T12:05:00.000Z');

describe('durationMs', () => {
  it.each([
    ['30m', 30 * 60_000],
    ['2h', 2 * hourMs],
    ['1d', 24 * hourMs],
    ['7d', 7 * 24 * hourMs],
    ['2w', 14 * 24 * hourMs],
    ['90s', 90_000],
    ['1h30m', 1.5 * hourMs],
    [' 2H ', 2 * hourMs],
  ])('reads %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    '',
    '2',
    'h',
    '2 h',
    '-2h',
    '1.5h',
    '0h',
    '2y',
    '2h2h',
    '30m1h',
    '2hours',
    'forever',
    '1e3s',
    '９h',
    '2h '.repeat(2),
  ])('refuses %j', (text) => {
    expect(durationMs(text)).toBeNull();
  });

  it('gives a whole number above zero for whatever it takes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9smhdw .-]{0,12}$/), (text) => {
        const ms = durationMs(text);
        expect(ms === null || (Number.isSafeInteger(ms) && ms > 0)).toBe(true);
      }),
    );
  });
});

describe('momentMs', () => {
  it.each([
    ['24h', '2026-11-21T12:05:00.000Z'],
    ['7d', '2026-11-15T12:05:00.000Z'],
    // A day begins at midnight here and not in Greenwich.
    ['2026-11-20', '2026-11-19T23:00:00.000Z'],
    ['2026-07-01', '2026-06-30T22:00:00.000Z'],
    ['2026-11-20T14:30', '2026-11-20T13:30:00.000Z'],
    ['2026-11-20 14:30', '2026-11-20T13:30:00.000Z'],
    ['2026-11-20T14:30:05Z', '2026-11-20T14:30:05.000Z'],
    ['2026-11-20t14:30z', '2026-11-20T14:30:00.000Z'],
    ['2026-11-20T14:30:00.5+02:00', '2026-11-20T12:30:00.500Z'],
    ['2024-02-29', '2024-02-28T23:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(new Date(momentMs(text, nowMs) ?? NaN).toISOString()).toBe(iso);
  });

  it.each([
    '',
    'yesterday',
    '2026',
    '2026-11',
    '2026-13-01',
    '2026-02-31',
    '2026-11-20T25:00',
    '20.11.2026',
    '99999999w',
  ])('refuses %j', (text) => {
    expect(momentMs(text, nowMs)).toBeNull();
  });
});
