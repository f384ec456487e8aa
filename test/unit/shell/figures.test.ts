import { describe, expect, it, vi } from 'vitest';
import { clockTime, dollars, fileSize, memoryGb, percent, plainText, speed } from '../../../electron/shell/figures.ts';

vi.stubEnv('TZ', 'UTC');

const gigabyte = 1024 ** 3;

describe('figures', () => {
  it('shows money to the cent, and small sums so that they say something', () => {
    expect([0, 1.84, 1204.5, 0.0042, 0.00001, 0.0099, 0.05].map(dollars)).toEqual([
      '$0.00',
      '$1.84',
      '$1,204.50',
      '$0.0042',
      '<$0.0001',
      '$0.0099',
      '$0.05',
    ]);
  });

  it('shows the time of day, with its day where that is not today', () => {
    const nowMs = Date.parse('2026-11-22T12:05:00.000Z');
    expect(clockTime('2026-11-22T16:05:00.000Z', nowMs)).toBe('16:05');
    expect(clockTime('2026-11-23T00:00:00.000Z', nowMs)).toBe('Mon 00:00');
    expect(clockTime('2026-11-29T00:00:00.000Z', nowMs)).toBe('Nov 29 00:00');
    expect(clockTime('2026-11-21T16:05:00.000Z', nowMs)).toBe('Nov 21 16:05');
    expect(clockTime('soon', nowMs)).toBe('a time that is not known');
  });

  it('shows memory in whole GB from ten up and with one decimal below', () => {
    expect(memoryGb(41.2 * gigabyte)).toBe('41');
    expect(memoryGb(3.94 * gigabyte)).toBe('3.9');
    expect(memoryGb(9.96 * gigabyte)).toBe('10');
    expect(memoryGb(0)).toBe('0.0');
  });

  it('shows file sizes in the unit that suits them', () => {
    expect(fileSize(900)).toBe('900 B');
    expect(fileSize(2.5 * 1024)).toBe('3 kB');
    expect(fileSize(253 * 1024 ** 2)).toBe('253 MB');
    expect(fileSize(3.9 * gigabyte)).toBe('3.9 GB');
    expect(fileSize(1020 * 1024 ** 2)).toBe('1.0 GB');
  });

  it('keeps about three digits of a speed', () => {
    expect(speed(0)).toBe('0 tok/s');
    expect(speed(4.312)).toBe('4.31 tok/s');
    expect(speed(17.84)).toBe('17.8 tok/s');
    expect(speed(99.96)).toBe('100 tok/s');
    expect(speed(142.4)).toBe('142 tok/s');
  });

  it('rounds percentages', () => {
    expect(percent(61.7)).toBe('62 %');
    expect(percent(0.2)).toBe('0 %');
  });
});

describe('plainText', () => {
  it('B71 drops terminal sequences, control characters and marks that turn the direction around', () => {
    expect(plainText('\u001b[31mred\u001b[0m', 40)).toBe('red');
    expect(plainText('a\u202Egnp.exe\u2066b', 40)).toBe('a gnp.exe b');
    expect(plainText('one\ntwo\u0000three\u200Bfour', 40)).toBe('one two three four');
  });

  it('shortens by characters, never through the middle of one', () => {
    expect(plainText('abcdef', 4)).toBe('abc…');
    expect(plainText('🐎🐎🐎🐎', 3)).toBe('🐎🐎…');
    expect(plainText('abcd', 4)).toBe('abcd');
  });
});
