import { unknown } from './numbers.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A short duration for latencies: "340 ms", "1.24 s", "12.5 s", "2 min 5 s". */
export function formatLatency(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return unknown;
  if (ms < 9.95) return `${trimZero(Math.max(0, ms).toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9.995 * second) return `${(ms / second).toFixed(2)} s`;
  if (ms < 59.95 * second) return `${(ms / second).toFixed(1)} s`;
  return formatSpan(ms);
}

/** A long duration in its two largest units: "45 s", "2 min 5 s", "3 h 20 min", "6 d 4 h". */
export function formatSpan(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return unknown;
  const rounded = Math.max(0, Math.round(ms / second)) * second;
  if (rounded < minute) return `${rounded / second} s`;
  if (rounded < hour) return pair(rounded, minute, 'min', second, 's');
  if (rounded < day) return pair(rounded, hour, 'h', minute, 'min');
  return pair(rounded, day, 'd', hour, 'h');
}

/** How long ago `at` was: "now" below two seconds, else "12 s ago". A time ahead of `now` counts as now. */
export function formatAgo(at: number | null, now: number): string {
  if (at === null || !Number.isFinite(at)) return unknown;
  const age = now - at;
  return age < 2 * second ? 'now' : `${largest(age)} ago`;
}

/** How long until `at`: "in 4 s", "now" once it has come. */
export function formatUntil(at: number | null, now: number): string {
  if (at === null || !Number.isFinite(at)) return unknown;
  const rest = at - now;
  return rest < second / 2 ? 'now' : `in ${largest(rest)}`;
}

/** The time of day on the reader's clock, 24 hours: "13:04:05". */
export function formatClock(at: number): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => part.toString().padStart(2, '0'))
    .join(':');
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** The day on the reader's calendar: "Mon 23 Nov". */
export function formatDay(at: number): string {
  const time = new Date(at);
  return `${days[time.getDay()] ?? ''} ${time.getDate()} ${months[time.getMonth()] ?? ''}`;
}

/** When something comes or came, to the minute: "at 00:00" within a day of `now`, else "on Mon 30 Nov at 00:00". */
export function formatMoment(at: number, now: number, preposition: 'at' | '' = 'at'): string {
  const clock = formatClock(at).slice(0, 5);
  if (Math.abs(at - now) <= day) return preposition === 'at' ? `at ${clock}` : clock;
  return preposition === 'at' ? `on ${formatDay(at)} at ${clock}` : `${formatDay(at)}, ${clock}`;
}

/** Milliseconds since the epoch of an ISO time; null when there is none or it cannot be read. */
export function parseTime(iso: string | null): number | null {
  if (iso === null) return null;
  const at = Date.parse(iso);
  return Number.isNaN(at) ? null : at;
}

function largest(ms: number): string {
  if (ms < minute) return `${Math.round(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} d`;
}

function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms % big) / small);
  return rest === 0 ? `${whole} ${bigName}` : `${whole} ${bigName} ${rest} ${smallName}`;
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
