import { describe, expect, it } from 'vitest';
import { groupingBy, isWholeHour } from '../../../../electron/agent/cloud/ledger/usage-grouping.ts';
import { piecesByName, piecesByTime, type Piece } from '../../../../electron/agent/cloud/ledger/usage-pieces.ts';
import { quarterMs } from './examples.ts';
import { dayMs, hourMs } from './stories.ts';

const midnightMs = Date.UTC(2026, 0, 1);

/** Spans and ends in hours from midnight. */
function told(pieces: readonly Piece[]): (readonly [number | null, number, number])[] {
  return pieces.map(({ spanMs, fromMs, toMs }) => [
    spanMs === null ? null : spanMs / hourMs,
    (fromMs - midnightMs) / hourMs,
    (toMs - midnightMs) / hourMs,
  ]);
}

const extent = (first: number, last: number, grouped: number, compacted = -1_000) => ({
  firstMs: midnightMs + first * hourMs,
  lastMs: midnightMs + last * hourMs,
  groupedMs: midnightMs + grouped * hourMs,
  compactedMs: midnightMs + compacted * hourMs,
});

describe('the sums that tell a time by name', () => {
  it('are days, hours at their ends, quarters at theirs, and quarters of what is not grouped yet', () => {
    expect(told(piecesByName(extent(22.5, 75.25, 73)))).toEqual([
      [null, 22.5, 23],
      [1, 23, 24],
      [24, 24, 72],
      [1, 72, 73],
      [null, 73, 75.25],
    ]);
    expect(told(piecesByName(extent(1.25, 1.75, 73)))).toEqual([[null, 1.25, 1.75]]);
    expect(told(piecesByName(extent(1, 3, 0)))).toEqual([[null, 1, 3]]);
    expect(told(piecesByName(extent(5, 5, 73)))).toEqual([]);
  });

  it('have no hours of what is older than single rows are kept', () => {
    expect(told(piecesByName(extent(2, 75, 75, 74)))).toEqual([
      [null, 2, 24],
      [24, 24, 72],
      [null, 72, 74],
      [1, 74, 75],
    ]);
    expect(told(piecesByName(extent(2, 10, 75, 74)))).toEqual([[null, 2, 10]]);
  });
});

describe('the sums that tell a time by time', () => {
  const days = [midnightMs, midnightMs + dayMs];

  it('are hours, and quarters where an hour is not whole or not asked for as a whole', () => {
    const isWhole = (startMs: number): boolean => startMs !== midnightMs + 18 * hourMs;
    expect(told(piecesByTime(extent(1.5, 26, 25), days, isWhole))).toEqual([
      [0.25, 1.5, 2],
      [1, 2, 18],
      [0.25, 18, 19],
      [1, 19, 25],
      [null, 25, 26],
    ]);
  });

  it('are whole hours alone of what is older, each where it begins, and nothing of empty days', () => {
    expect(told(piecesByTime(extent(1.5, 9.5, 75, 50), days, () => false))).toEqual([[1, 2, 10]]);
    expect(told(piecesByTime(extent(1, 40, 75), days.slice(1), () => true))).toEqual([[1, 24, 40]]);
  });

  it.each([
    ['UTC', 'hour', []],
    ['Asia/Kolkata', 'day', [18]],
    ['Asia/Kathmandu', 'day', [18]],
    ['Europe/Berlin', 'day', []],
  ] as const)('in %s, by the %s: these hours are not whole: %j', (timeZone, by, broken) => {
    const grouping = groupingBy(by, timeZone);
    if (grouping.kind !== 'time') throw new Error('it goes by time');
    const hours = Array.from({ length: 24 }, (_, hour) => hour);
    expect(hours.filter((hour) => !isWholeHour(grouping.startOf, midnightMs + hour * hourMs))).toEqual(broken);
  });

  it('are quarters all of them by the hour of a zone that is half an hour off', () => {
    const grouping = groupingBy('hour', 'Asia/Kolkata');
    if (grouping.kind !== 'time') throw new Error('it goes by time');
    expect(isWholeHour(grouping.startOf, midnightMs)).toBe(false);
    expect(grouping.startOf(midnightMs + quarterMs)).toBe(midnightMs - hourMs / 2);
    expect(grouping.startOf(midnightMs + 2 * quarterMs)).toBe(midnightMs + hourMs / 2);
  });
});
