import { describe, expect, it } from 'vitest';
import {
  bytes,
  bytesOf,
  count,
  counted,
  meter,
  parameters,
  percent,
  span,
  sparkline,
  speed,
  timeOfDay,
  took,
} from '../../../../electron/cli/output/figures.ts';

const gib = 1024 ** 3;

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 kB'],
    [1024 ** 2 - 1, '1 MB'],
    [3.94 * gib, '3.9 GB'],
    [41.4 * gib, '41 GB'],
    [2048 * 1024 * gib, '2048 TB'],
  ])('writes %d bytes as %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it('never shows an unknown figure as zero', () => {
    expect([bytes(null), percent(null), speed(null), took(null), count(null), parameters(null)]).toEqual(
      Array.from({ length: 6 }, () => '–'),
    );
    expect(timeOfDay('yesterday')).toBe('–');
  });

  it('puts used and total in one unit', () => {
    expect(bytesOf(41 * gib, 96 * gib)).toBe('41 of 96 GB');
    expect(bytesOf(0.25 * gib, 96 * gib)).toBe('0.3 of 96 GB');
    expect(bytesOf(0, 0)).toBe('0 of 0 B');
  });

  it('writes speeds, times and counts', () => {
    expect([speed(17.84), speed(143.2), speed(0)]).toEqual(['17.8', '143', '0.0']);
    expect([took(84.4), took(999.7), took(1_940), took(200_000)]).toEqual(['84 ms', '1.0 s', '1.9 s', '3 min 20 s']);
    expect([span(-5), span(12_000), span(7_440_000), span(442_800_000)]).toEqual([
      '0 s',
      '12 s',
      '2 h 4 min',
      '5 d 3 h',
    ]);
    expect([counted(1, 'slot'), counted(3_200, 'slot')]).toEqual(['1 slot', '3,200 slots']);
    expect([parameters(270e6), parameters(10.3e9), parameters(3.1e9)]).toEqual(['270 M', '10 B', '3.1 B']);
  });

  it('fills a meter, keeps its width, and shows the least bit', () => {
    expect(meter(0.5, 4)).toBe('██░░');
    expect(meter(0.001, 4)).toBe('█░░░');
    expect(meter(0, 4)).toBe('░░░░');
    for (const fraction of [-1, 0, 0.01, 0.99, 1, 7, NaN]) expect(meter(fraction, 10)).toHaveLength(10);
    expect(meter(7, 2)).toBe('██');
  });

  it('draws the newest values to their own scale', () => {
    expect(sparkline([9, 0, 4, 8], 3)).toBe('▁▅█');
    expect(sparkline([0, 0], 5)).toBe('▁▁');
    expect(sparkline([], 5)).toBe('');
    expect(sparkline([1], 0)).toBe('');
  });
});
