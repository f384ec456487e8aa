import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Speeds } from '../../../../electron/agent/cloud/ledger/speeds.ts';

function of(...figures: readonly number[]): Speeds {
  const speeds = new Speeds();
  for (const figure of figures) speeds.add(figure);
  return speeds;
}

function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

describe('the distribution of a figure', () => {
  it('has the median of few figures exactly', () => {
    expect(of(300).median()).toBe(300);
    expect(of(100, 900, 300).median()).toBe(300);
    expect(of(100, 200).median()).toBe(150);
    expect(of().median()).toBeNull();
    expect(of(Number.NaN, -1, Number.POSITIVE_INFINITY).median()).toBeNull();
    expect(of(0, 0, 5).median()).toBe(0);
  });

  it('has that of many within a percent, also put together from parts on disk', () => {
    const figure = fc.double({ min: 0.001, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.array(figure, { minLength: 1 }), { minLength: 1 }), (parts) => {
        const whole = new Speeds();
        const added = new Speeds();
        for (const part of parts) {
          whole.addEncoded(of(...part).encode());
          added.addAll(of(...part));
        }
        const median = whole.median() ?? Number.NaN;
        // On disk a figure has seven digits.
        expect(added.count).toBe(whole.count);
        expect(Math.abs((added.median() ?? Number.NaN) / median - 1)).toBeLessThan(1e-4);
        const wanted = medianOf(parts.flat());
        expect(whole.count).toBe(parts.flat().length);
        expect(Math.abs(median / wanted - 1)).toBeLessThan(0.011);
      }),
    );
  });

  it('adds another one to itself', () => {
    const both = of(1, 2);
    both.addAll(of(3, 4, 5));
    expect([both.count, both.median()]).toEqual([5, 3]);
    expect(Speeds.decode(null).encode()).toBeNull();
  });
});
