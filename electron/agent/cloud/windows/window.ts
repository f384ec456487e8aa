import type { WindowSettings } from '../../../contract/cloud.ts';
import type { WallTime, ZonedTime } from '../budget/zoned-time.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Whether a window is open when clocks show that. A night belongs to the day on which it begins. Pure. */
export function isOpenAt(window: WindowSettings, wall: Pick<WallTime, 'weekday' | 'hour' | 'minute'>): boolean {
  const { fromMinute, toMinute, fromHour, toHour, days } = window;
  const inMinutes =
    toMinute > fromMinute
      ? wall.minute >= fromMinute && wall.minute < toMinute
      : wall.minute >= fromMinute || wall.minute < toMinute;
  if (!inMinutes) return false;
  if (toHour > fromHour) return wall.hour >= fromHour && wall.hour < toHour && days.includes(wall.weekday);
  if (wall.hour >= fromHour) return days.includes(wall.weekday);
  return wall.hour < toHour && days.includes(wall.weekday === 1 ? 7 : wall.weekday - 1);
}

/** The windows that a provider, or a model of it, has. A model is open only while its provider's windows are, too. */
export function windowsOf(windows: readonly WindowSettings[], provider: string, model: string | null): Restrictions {
  const named = model === null ? null : `${provider}/${model}`;
  return [windows.filter(({ target }) => target === provider), windows.filter(({ target }) => target === named)].filter(
    (union) => union.length > 0,
  );
}

/** Open when of each of these at least one window is. Empty: always. */
export type Restrictions = readonly (readonly WindowSettings[])[];

function isOpen(restrictions: Restrictions, wall: WallTime): boolean {
  return restrictions.every((union) => union.some((window) => isOpenAt(window, wall)));
}

/** Whether it is open, and when that changes: an instant, or null where it does not within the next eight days. */
export interface WindowState {
  readonly isOpen: boolean;
  readonly changesAtMs: number | null;
}

/** How windows stand at an instant. Pure. */
export function windowState(restrictions: Restrictions, atMs: number, zone: ZonedTime): WindowState {
  const open = isOpen(restrictions, zone.wallAt(atMs));
  if (restrictions.length === 0) return { isOpen: true, changesAtMs: null };
  const bounds = [...new Set(restrictions.flat().flatMap(minuteBounds))].sort((a, b) => a - b);
  const endMs = atMs + 8 * dayMs;
  // Windows change only at their own minutes and on the hour; clocks are changed on a quarter.
  for (let quarterMs = floorTo(atMs, 15 * minuteMs); quarterMs < endMs; quarterMs += 15 * minuteMs) {
    const first = zone.wallAt(quarterMs);
    for (const minute of bounds) {
      const into = minute - first.minute;
      if (into < 0 || into >= 15) continue;
      const nextMs = quarterMs + into * minuteMs;
      if (nextMs > atMs && isOpen(restrictions, { ...first, minute }) !== open) {
        return { isOpen: open, changesAtMs: nextMs };
      }
    }
  }
  return { isOpen: open, changesAtMs: null };
}

function minuteBounds({ fromMinute, toMinute }: WindowSettings): number[] {
  return [0, 15, 30, 45, fromMinute, toMinute % 60];
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}
