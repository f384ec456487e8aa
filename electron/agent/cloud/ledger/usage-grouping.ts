import type { UsageGroup } from '../../../contract/cloud.ts';
import { assertNever } from '../../base/errors.ts';
import { ZonedTime } from '../budget/zoned-time.ts';
import type { Dimension } from './group-sums.ts';
import { dayMs, hourMs, quarterMs } from './quarters.ts';

/** How an answer is divided. */
export type Grouping =
  | { readonly kind: 'name'; readonly by: Dimension }
  /** Answers with the start of the hour or day that an instant belongs to. */
  | { readonly kind: 'time'; readonly startOf: (atMs: number) => number };

export function groupingBy(by: UsageGroup, timeZone: string): Grouping {
  switch (by) {
    case 'model':
    case 'key':
    case 'route':
    case 'node':
    case 'provider':
    case 'persona':
      return { kind: 'name', by };
    case 'hour':
      return { kind: 'time', startOf: hourStarts(new ZonedTime(timeZone)) };
    case 'day':
      return { kind: 'time', startOf: dayStarts(new ZonedTime(timeZone)) };
    default:
      return assertNever(by);
  }
}

/** Whether all of an hour of UTC belongs to the same hour or day of the zone. */
export function isWholeHour(startOf: (atMs: number) => number, hourStartMs: number): boolean {
  const start = startOf(hourStartMs);
  return [1, 2, 3].every((quarter) => startOf(hourStartMs + quarter * quarterMs) === start);
}

function hourStarts(zone: ZonedTime): (atMs: number) => number {
  const offsetAt = steadyOffsets(zone);
  return (atMs) => {
    const offset = offsetAt(atMs);
    return Math.floor((atMs + offset) / hourMs) * hourMs - offset;
  };
}

function dayStarts(zone: ZonedTime): (atMs: number) => number {
  let startMs = 0;
  let endMs = 0;
  return (atMs) => {
    if (atMs >= startMs && atMs < endMs) return startMs;
    const { year, month, day } = zone.wallAt(atMs);
    startMs = zone.instantOf(year, month, day);
    endMs = zone.instantOf(year, month, day + 1);
    return startMs;
  };
}

/**
 * The same as the zone's own, without asking the platform for each quarter of an hour: no zone changes its clocks twice
 * within a day of UTC and has them as before at its end.
 */
function steadyOffsets(zone: ZonedTime): (atMs: number) => number {
  let day = Number.NaN;
  let offset: number | null = null;
  return (atMs) => {
    const now = Math.floor(atMs / dayMs);
    if (now !== day) {
      const before = zone.offsetAt(now * dayMs);
      day = now;
      offset = before === zone.offsetAt((now + 1) * dayMs) ? before : null;
    }
    return offset ?? zone.offsetAt(atMs);
  };
}
