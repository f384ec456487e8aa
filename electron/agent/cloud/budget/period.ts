import type { BudgetPeriod } from '../../../contract/cloud.ts';
import { assertNever } from '../../base/errors.ts';
import type { ZonedTime } from './zoned-time.ts';

/** Instants, milliseconds since the epoch; the end is the start of the next one. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

const quarterMs = 15 * 60_000;

/** The hour, day, week (from Monday) or month of the zone's calendar in which an instant lies. */
export function periodAt(kind: BudgetPeriod, atMs: number, zone: ZonedTime): Period {
  const { year, month, day, weekday } = zone.wallAt(atMs);
  switch (kind) {
    case 'hour':
      return hourAt(atMs, zone);
    case 'day':
      return { startMs: zone.instantOf(year, month, day), endMs: zone.instantOf(year, month, day + 1) };
    case 'week': {
      const monday = day - weekday + 1;
      return { startMs: zone.instantOf(year, month, monday), endMs: zone.instantOf(year, month, monday + 7) };
    }
    case 'month':
      return { startMs: zone.instantOf(year, month, 1), endMs: zone.instantOf(year, month + 1, 1) };
    default:
      return assertNever(kind);
  }
}

/** A week that begins on that weekday (1 is Monday) at that hour, as a provider's quota has it. */
export function quotaWeekAt(atMs: number, reset: { resetDay: number; resetHour: number }, zone: ZonedTime): Period {
  const { year, month, day, weekday } = zone.wallAt(atMs);
  const begun = day - ((weekday - reset.resetDay + 7) % 7);
  const startMs = zone.instantOf(year, month, begun, reset.resetHour);
  // On the day of the reset, before its hour, the week of before still runs.
  const first = startMs > atMs ? begun - 7 : begun;
  return {
    startMs: zone.instantOf(year, month, first, reset.resetHour),
    endMs: zone.instantOf(year, month, first + 7, reset.resetHour),
  };
}

/**
 * By the clock's minutes rather than by its hours: an hour that the clocks show twice in autumn is two hours to spend in,
 * and one that they change within is as long as it is.
 */
function hourAt(atMs: number, zone: ZonedTime): Period {
  let startMs = Math.floor(atMs / quarterMs) * quarterMs;
  const offset = zone.offsetAt(startMs);
  while (zone.wallAt(startMs).minute !== 0 && zone.offsetAt(startMs - quarterMs) === offset) startMs -= quarterMs;
  let endMs = startMs + quarterMs;
  while (zone.wallAt(endMs).minute !== 0 && zone.offsetAt(endMs) === offset) endMs += quarterMs;
  return { startMs, endMs };
}
