import { describe, expect, it } from 'vitest';
import { Availability } from '../../../electron/agent/telemetry/availability.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Observes every ten seconds from `fromMs` to `toMs`. */
function observe(availability: Availability, ready: boolean, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs < toMs; nowMs += 10_000) availability.observe(ready, nowMs);
}

describe('availability', () => {
  it('is not known before a period was measured in full', () => {
    const availability = new Availability();
    observe(availability, true, 0, dayMs - minuteMs);
    expect(availability.figures()).toEqual({ day: null, week: null, month: null });
    observe(availability, true, dayMs - minuteMs, dayMs + minuteMs);
    expect(availability.figures()).toEqual({ day: 1, week: null, month: null });
  });

  it('is the share of time with an engine ready, over the latest day', () => {
    const availability = new Availability();
    observe(availability, false, 0, dayMs);
    observe(availability, true, dayMs, 1.75 * dayMs);
    availability.observe(true, 1.75 * dayMs);
    expect(availability.figures().day).toBeCloseTo(0.75, 2);
  });

  it('counts a part of a minute as such', () => {
    const availability = new Availability();
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      availability.observe(true, minute * minuteMs);
      availability.observe(false, minute * minuteMs + 15_000);
    }
    availability.observe(false, dayMs);
    expect(availability.figures().day).toBe(0.25);
  });

  it('measures a week once it has gone by', () => {
    const availability = new Availability();
    observe(availability, true, 0, 7 * dayMs + minuteMs);
    expect(availability.figures()).toEqual({ day: 1, week: 1, month: null });
  });
});
