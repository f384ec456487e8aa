import { describe, expect, it } from 'vitest';
import { axisTop, highest, plotColumns } from '../../../../renderer/format/plot-series.ts';
import { horseshoePath, nailPlaces } from '../../../../renderer/components/horseshoe-path.ts';
import { placeOf } from '../../../../renderer/route.ts';
import { fakePoint } from '../../../fakes/fake-snapshot.ts';

const now = 10_000_000;
const at = (secondsAgo: number): ReturnType<typeof fakePoint> => ({
  ...fakePoint(now - secondsAgo * 1000, 0),
  cpuPercent: secondsAgo,
});

describe('plotColumns', () => {
  it('keeps the last five minutes, in seconds before now', () => {
    const columns = plotColumns([at(301), at(300), at(1), at(0)], { now, intervalMs: 300_000 }, [
      (point) => point.cpuPercent,
    ]);
    expect(columns).toEqual([
      [-300, -1, 0],
      [300, 1, 0],
    ]);
  });

  it('breaks the line where points are missing', () => {
    const [xs, values] = plotColumns([at(20), at(19), at(2)], { now, intervalMs: 1000 }, [(point) => point.cpuPercent]);
    expect(xs).toEqual([-20, -19, -18, -2]);
    expect(values).toEqual([20, 19, null, 2]);
  });

  it('leaves out what claims to come from the future', () => {
    expect(plotColumns([at(-5)], { now, intervalMs: 1000 }, [() => 1])).toEqual([[], []]);
  });
});

describe('axisTop', () => {
  it.each([
    [0, 5, 5],
    [5, 5, 5],
    [17.8, 5, 20],
    [19, 5, 25],
    [142, 5, 200],
    [0.3, 0.1, 0.4],
  ])('holds %s with at least %s', (most, least, top) => {
    expect(axisTop(most, least)).toBeCloseTo(top, 9);
  });

  it('is never below what it holds', () => {
    for (let most = 0.01; most < 1e6; most *= 1.37) expect(axisTop(most, 0)).toBeGreaterThanOrEqual(most);
  });

  it('highest skips breaks', () => {
    expect(highest([1, null, 3])).toBe(3);
    expect(highest([])).toBe(0);
    expect(highest(undefined)).toBe(0);
  });
});

describe('horseshoe', () => {
  it('has a nail a slot, evenly and mirrored', () => {
    expect(horseshoePath).toMatch(/^M57 186C/u);
    const nails = nailPlaces(4);
    expect(nails).toHaveLength(4);
    for (const [index, [x, y]] of nails.entries()) {
      const [mirrorX, mirrorY] = nails[3 - index] ?? [0, 0];
      expect(Math.abs(x + mirrorX - 200)).toBeLessThan(6);
      expect(Math.abs(y - mirrorY)).toBeLessThan(6);
    }
  });

  it('has none where they would run together', () => {
    expect(nailPlaces(0)).toEqual([]);
    expect(nailPlaces(17)).toEqual([]);
  });
});

describe('placeOf', () => {
  it.each([
    ['', 'overview'],
    ['#/models', 'models'],
    ['#engines', 'engines'],
    ['#/engines?x=1', 'engines'],
    ['#/nowhere', 'overview'],
    ['#/__proto__', 'overview'],
  ])('%j is %s', (hash, route) => {
    expect(placeOf(hash).route).toBe(route);
  });

  it('names one thing of a screen, and what the screen is narrowed to', () => {
    expect(placeOf('#/traffic/4f%201c')).toEqual({ route: 'traffic', id: '4f 1c', search: '' });
    expect(placeOf('#/traffic?key=a&model=b?c')).toEqual({ route: 'traffic', id: null, search: 'key=a&model=b?c' });
    expect(placeOf('#/traffic/%E0%A4%A').id).toBe('%E0%A4%A');
  });
});
