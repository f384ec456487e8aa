import type { UsageGroup } from '../../../contract/cloud.ts';
import { assertNever } from '../../base/errors.ts';
import { ZonedTime } from '../budget/zoned-time.ts';
import { hourMs } from './quarters.ts';
import type { Scope } from './scope.ts';

/** Stands where something has no model, no key, no persona. */
const noName = '(none)';

/** Names the group that something of this time and scope is counted in. */
export type Grouping = (startMs: number, scope: Scope) => string;

export function groupingBy(by: UsageGroup, timeZone: string): Grouping {
  switch (by) {
    case 'model':
    case 'key':
    case 'route':
    case 'node':
    case 'provider':
    case 'persona':
      return (_, scope) => scope[by] || noName;
    case 'hour':
    case 'day':
      return timeGrouping(by, new ZonedTime(timeZone));
    default:
      return assertNever(by);
  }
}

function timeGrouping(by: 'hour' | 'day', zone: ZonedTime): Grouping {
  const known = new Map<number, string>();
  return (atMs) => {
    const quarter = Math.floor(atMs / (hourMs / 4));
    const found = known.get(quarter);
    if (found !== undefined) return found;
    const startMs = by === 'hour' ? startOfHour(atMs, zone) : startOfDay(atMs, zone);
    const name = new Date(startMs).toISOString();
    known.set(quarter, name);
    return name;
  };
}

function startOfHour(atMs: number, zone: ZonedTime): number {
  const offset = zone.offsetAt(atMs);
  return Math.floor((atMs + offset) / hourMs) * hourMs - offset;
}

function startOfDay(atMs: number, zone: ZonedTime): number {
  const { year, month, day } = zone.wallAt(atMs);
  return zone.instantOf(year, month, day);
}
