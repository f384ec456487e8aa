import { describe, expect, it } from 'vitest';
import { saturationOf } from '../../../../electron/agent/gateway/load/saturation.ts';

describe('saturationOf', () => {
  it.each([
    [{ inFlight: 0, queued: 0, slots: 4 }, 0, 'calm'],
    [{ inFlight: 1, queued: 0, slots: 4 }, 0.25, 'calm'],
    [{ inFlight: 2, queued: 0, slots: 4 }, 0.5, 'busy'],
    [{ inFlight: 4, queued: 0, slots: 4 }, 1, 'busy'],
    [{ inFlight: 4, queued: 1, slots: 4 }, 1, 'saturated'],
    [{ inFlight: 5, queued: 0, slots: 4 }, 1, 'busy'],
    [{ inFlight: 0, queued: 0, slots: 0 }, 0, 'calm'],
    [{ inFlight: 1, queued: 0, slots: 0 }, 1, 'busy'],
  ])('%j is %d, %s', (load, saturation, level) => {
    expect(saturationOf(load)).toEqual({ saturation, level });
  });
});
