import { type WindowSettings } from '../../electron/contract/cloud.ts';

/** A moment on the wall clock of the operator's time zone. 1 is Monday, 7 is Sunday. */
export interface WallTime {
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

export const days = [1, 2, 3, 4, 5, 6, 7] as const;
const dayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export function dayName(day: number): string {
  return dayNames[day - 1] ?? `day ${day}`;
}

/** The wall clock of a time zone; that of the reader where the zone is not known here. */
export function wallTime(at: number, timeZone: string | undefined): WallTime {
  const options = { weekday: 'long', hour: 'numeric', minute: 'numeric', hourCycle: 'h23' } as const;
  const parts = formatterOf(options, timeZone).formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return {
    day: dayNames.findIndex((name) => name === part('weekday')) + 1,
    hour: Number(part('hour')),
    minute: Number(part('minute')),
  };
}

function formatterOf(options: Intl.DateTimeFormatOptions, timeZone: string | undefined): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en', timeZone === undefined ? options : { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat('en', options);
  }
}

type Minutes = Pick<WindowSettings, 'fromMinute' | 'toMinute'>;

/** Whether a minute of the hour is inside; `to` at or below `from` runs over the full hour. */
export function coversMinute({ fromMinute, toMinute }: Minutes, minute: number): boolean {
  return toMinute > fromMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

/** Whether an hour of a day is inside. A window over midnight belongs to the day on which it began. */
export function coversHour(
  { fromHour, toHour, days: own }: Pick<WindowSettings, 'fromHour' | 'toHour' | 'days'>,
  day: number,
  hour: number,
): boolean {
  if (toHour > fromHour) return own.includes(day) && hour >= fromHour && hour < toHour;
  const before = day === 1 ? 7 : day - 1;
  return (hour >= fromHour && own.includes(day)) || (hour < toHour && own.includes(before));
}

/** Whether something with these windows may be used then; what has none may be used at any time. */
export function isOpen(windows: readonly WindowSettings[], at: WallTime): boolean {
  if (windows.length === 0) return true;
  return windows.some((window) => coversHour(window, at.day, at.hour) && coversMinute(window, at.minute));
}

/** How many minutes of an hour of a day are inside of any of the windows. */
export function openMinutes(windows: readonly WindowSettings[], day: number, hour: number): number {
  const then = windows.filter((window) => coversHour(window, day, hour));
  return minutesOfHour.filter((minute) => then.some((window) => coversMinute(window, minute))).length;
}

const minutesOfHour: readonly number[] = Array.from({ length: 60 }, (_, minute) => minute);

/** Stretches of the hour that are inside of any of the windows, `to` exclusive; one over the full hour ends above 60. */
export function unionOfMinutes(windows: readonly Minutes[]): readonly { readonly from: number; readonly to: number }[] {
  const inside = minutesOfHour.map((minute) => windows.some((window) => coversMinute(window, minute)));
  if (inside.every(Boolean)) return windows.length === 0 ? [] : [{ from: 0, to: 60 }];
  const starts = minutesOfHour.filter((minute) => inside[minute] === true && inside[(minute + 59) % 60] === false);
  return starts.map((from) => {
    let to = from + 1;
    while (inside[to % 60] === true) to += 1;
    return { from, to };
  });
}

/** The union in words: "Together: minutes 20 to 30 and 50 to 5 of the hour, 20 minutes of it." */
export function unionWords(windows: readonly WindowSettings[], at: WallTime): string {
  const then = windows.filter((window) => coversHour(window, at.day, at.hour));
  if (then.length === 0) return 'In this hour: not at all.';
  const spans = unionOfMinutes(then);
  const total = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  if (total === 60) return 'In this hour: all of it.';
  const words = spans.map(({ from, to }) => `${from} to ${to > 60 ? to - 60 : to}`).join(' and ');
  return `In this hour: minutes ${words}, ${total} ${total === 1 ? 'minute' : 'minutes'} in all.`;
}

/** One window in words: "Minutes 20 to 30 of each hour, 8 to 18 o’clock, Monday to Friday". */
export function windowWords(window: WindowSettings): string {
  const { fromMinute, toMinute, fromHour, toHour } = window;
  const allMinutes = minutesOfHour.every((minute) => coversMinute(window, minute));
  const allHours = fromHour % 24 === toHour % 24;
  return [
    allMinutes ? 'The whole hour' : `Minutes ${fromMinute} to ${toMinute} of each hour`,
    allHours ? 'all day' : `${fromHour} to ${toHour} o’clock`,
    dayWords(window.days),
  ].join(', ');
}

/** "every day", "Monday to Friday", "Monday, Wednesday". */
export function dayWords(own: readonly number[]): string {
  const sorted = days.filter((day) => own.includes(day));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return 'on no day';
  if (sorted.length === 7) return 'every day';
  if (sorted.length > 2 && last - first === sorted.length - 1) return `${dayName(first)} to ${dayName(last)}`;
  return sorted.map(dayName).join(', ');
}

export type Edge = 'from' | 'to';

/** The window with one edge on another minute, counted round the clock face: 60 after the hour is 0 of the next. */
export function withEdge(window: WindowSettings, edge: Edge, minute: number): WindowSettings {
  const wrapped = ((Math.round(minute) % 60) + 60) % 60;
  return edge === 'from' ? { ...window, fromMinute: wrapped } : { ...window, toMinute: wrapped === 0 ? 60 : wrapped };
}

const keySteps: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 5,
  PageDown: -5,
};

/** Where a key takes an edge; null for keys that do nothing. */
export function edgeAfterKey(minute: number, key: string): number | null {
  if (key === 'Home') return 0;
  if (key === 'End') return 59;
  const step = Object.hasOwn(keySteps, key) ? keySteps[key] : undefined;
  return step === undefined ? null : minute + step;
}

/** The minute that a place on the clock face points to, from its middle; y grows downwards. */
export function minuteAt(x: number, y: number): number {
  const turn = Math.atan2(x, -y) / (2 * Math.PI);
  return Math.round((turn < 0 ? turn + 1 : turn) * 60) % 60;
}

/** A place on the clock face. */
export function placeOf(minute: number, radius: number): { readonly x: number; readonly y: number } {
  const angle = (minute / 60) * 2 * Math.PI;
  return { x: Math.sin(angle) * radius, y: -Math.cos(angle) * radius };
}

/** A stretch of the clock face as a path; all of it as two halves, which a single arc cannot be. */
export function arcPath(from: number, to: number, radius: number): string {
  const span = to - from;
  const text = (minute: number): string => {
    const { x, y } = placeOf(minute, radius);
    return `${x.toFixed(3)} ${y.toFixed(3)}`;
  };
  const arc = (end: number, large: boolean): string => `A ${radius} ${radius} 0 ${large ? 1 : 0} 1 ${text(end)}`;
  if (span >= 60) return `M ${text(from)} ${arc(from + 30, false)} ${arc(from + 60, false)}`;
  return `M ${text(from)} ${arc(to, span > 30)}`;
}

/** A window's stretch of the clock face, `to` above `from`. */
export function spanOf({ fromMinute, toMinute }: Minutes): { readonly from: number; readonly to: number } {
  return { from: fromMinute, to: toMinute > fromMinute ? toMinute : toMinute + 60 };
}

/** A window that a new one begins as: ten minutes, the next that no other has. */
export function nextWindow(target: string, others: readonly WindowSettings[]): WindowSettings {
  const taken = (from: number): boolean =>
    others.some((window) => minutesOfHour.slice(from, from + 10).some((minute) => coversMinute(window, minute)));
  const fromMinute = [0, 10, 20, 30, 40, 50].find((from) => !taken(from)) ?? 0;
  return { target, fromMinute, toMinute: fromMinute + 10, fromHour: 0, toHour: 24, days: [...days] };
}

/** Whether two lists of windows say the same. */
export function sameWindows(one: readonly WindowSettings[], other: readonly WindowSettings[]): boolean {
  const text = (windows: readonly WindowSettings[]): string =>
    JSON.stringify(
      windows.map(({ target, fromMinute, toMinute, fromHour, toHour, days: own }) => [
        target,
        fromMinute,
        toMinute,
        fromHour,
        toHour,
        own.toSorted((a, b) => a - b),
      ]),
    );
  return text(one) === text(other);
}
