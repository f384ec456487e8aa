import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openingState, readWindowState, smallestWindow } from '../../../electron/shell/window-state.ts';

const main = { x: 0, y: 0, width: 1920, height: 1040 };
const second = { x: 1920, y: 0, width: 1280, height: 1000 };

describe('openingState', () => {
  it('opens in the middle of the main screen the first time', () => {
    expect(openingState(null, [main])).toEqual({
      bounds: { x: 370, y: 120, width: 1180, height: 800 },
      maximized: false,
    });
  });

  it('opens where it was, on whatever screen', () => {
    const saved = { bounds: { x: 2000, y: 100, width: 900, height: 700 }, maximized: true };
    expect(openingState(saved, [main, second])).toEqual(saved);
  });

  it('comes back from a screen that is gone', () => {
    const saved = { bounds: { x: 2000, y: 100, width: 900, height: 700 }, maximized: false };
    expect(openingState(saved, [main]).bounds.x).toBeLessThan(main.width);
  });

  it('fits a screen smaller than its usual size', () => {
    const { bounds } = openingState(null, [{ x: 0, y: 0, width: 800, height: 600 }]);
    expect(bounds).toEqual({ x: 0, y: 0, width: 800, height: 600 });
  });

  it('is always in reach and never too small, whatever was saved', () => {
    const side = fc.integer({ min: -40_000, max: 40_000 });
    fc.assert(
      fc.property(side, side, side, side, (x, y, width, height) => {
        const saved = readWindowState({ bounds: { x, y, width, height }, maximized: false });
        const { bounds } = openingState(saved, [main, second]);
        expect(bounds.width).toBeGreaterThanOrEqual(smallestWindow.width);
        expect(bounds.height).toBeGreaterThanOrEqual(smallestWindow.height);
        expect(bounds.x).toBeLessThan(main.width + second.width);
        expect(bounds.x + bounds.width).toBeGreaterThan(0);
      }),
    );
  });
});

describe('readWindowState', () => {
  it('takes nothing that it does not understand', () => {
    for (const saved of [
      undefined,
      null,
      'x',
      {},
      { bounds: { x: 'a' } },
      { bounds: { x: 0, y: 0, width: 1e9, height: 1 }, maximized: false },
    ]) {
      expect(readWindowState(saved)).toBeNull();
    }
  });
});
