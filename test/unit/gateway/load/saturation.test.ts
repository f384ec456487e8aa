import { describe, expect, it } from 'vitest';
import type { PressureFigures } from '../../../../electron/agent/gateway/load/pressure.ts';
import { saturationOf, type Load } from '../../../../electron/agent/gateway/load/saturation.ts';

const calm: Load = { inFlight: 0, queued: 0, slots: 4 };
const easy: PressureFigures = {
  memorySomePercent: 0,
  memoryFullPercent: 0,
  cpuSomePercent: 20,
  availableBytes: 8 * 2 ** 30,
  totalBytes: 16 * 2 ** 30,
  throttled: 0,
};

describe('saturationOf', () => {
  it.each([
    [{ inFlight: 0, queued: 0, slots: 4 }, 0, 'calm', ''],
    [{ inFlight: 1, queued: 0, slots: 4 }, 0.25, 'calm', ''],
    [{ inFlight: 2, queued: 0, slots: 4 }, 0.5, 'busy', '2 of 4 slots in use'],
    [{ inFlight: 4, queued: 0, slots: 4 }, 1, 'busy', '4 of 4 slots in use'],
    [{ inFlight: 4, queued: 1, slots: 4 }, 1, 'saturated', '1 request waits for 4 slots'],
    [
      { inFlight: 2, queued: 3, slots: 2, waitMs: 14_000 },
      1,
      'saturated',
      '3 requests wait for 2 slots; the next would wait 14 s',
    ],
    [{ inFlight: 5, queued: 0, slots: 4 }, 1, 'busy', '5 of 4 slots in use'],
    [{ inFlight: 0, queued: 0, slots: 0 }, 0, 'calm', ''],
    [{ inFlight: 1, queued: 0, slots: 0 }, 1, 'busy', '1 request waits for an engine to come up'],
    [
      { inFlight: 1, queued: 0, slots: 1, waitMs: 3_000, goalMs: 2_000 },
      1,
      'saturated',
      'the next request would wait 3 s for a slot',
    ],
    [{ inFlight: 4, queued: 0, slots: 4, waitMs: 400, goalMs: 2_000 }, 1, 'busy', '4 of 4 slots in use'],
    [{ ...calm, engines: [{ busy: 4, deferred: 2 }] }, 1, 'saturated', '2 requests wait inside the engine'],
    [{ ...calm, engines: [{ busy: 3, deferred: 0 }] }, 0.75, 'busy', '3 of 4 slots in use, 3 by other programs'],
    [{ ...calm, pressure: easy }, 0, 'calm', ''],
    [
      { ...calm, pressure: { ...easy, memoryFullPercent: 25 } },
      1,
      'saturated',
      'programs waited for memory 25 % of the last 10 s',
    ],
    [{ ...calm, pressure: { ...easy, availableBytes: 2 ** 27 } }, 1, 'saturated', 'only 0.1 GB of memory is free'],
    [
      { ...calm, pressure: { ...easy, throttled: 0.5 } },
      0.75,
      'busy',
      'heat or power limits take 50 % of the processor’s speed'.replace('’', "'"),
    ],
    [
      { ...calm, pressure: { ...easy, cpuSomePercent: 100 } },
      0.9,
      'busy',
      'programs waited for a processor 100 % of the last 10 s',
    ],
  ] as const)('%j is %d, %s: %s', (load, saturation, level, cause) => {
    expect(saturationOf(load)).toEqual({ saturation, level, cause });
  });

  it('keeps a level until it is well past it', () => {
    const at = (inFlight: number): Load => ({ inFlight, queued: 0, slots: 100 });
    expect(saturationOf(at(45), 'calm').level).toBe('calm');
    expect(saturationOf(at(45), 'busy').level).toBe('busy');
    expect(saturationOf(at(39), 'busy').level).toBe('calm');
    const waits = (waitMs: number): Load => ({ inFlight: 1, queued: 0, slots: 4, waitMs, goalMs: 1_000 });
    expect(saturationOf(waits(900), 'busy').level).toBe('busy');
    expect(saturationOf(waits(900), 'saturated').level).toBe('saturated');
    expect(saturationOf(waits(700), 'saturated').level).toBe('busy');
  });

  it('ends being saturated with the last who waits: full slots alone are only busy', () => {
    expect(saturationOf({ inFlight: 4, queued: 0, slots: 4 }, 'saturated').level).toBe('busy');
  });
});
