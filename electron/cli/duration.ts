const unitsMs = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
]);

/** How a duration may be typed, for messages. */
export const durationForms = '30m, 2h, 1d or 1h30m';

/**
 * Milliseconds of a duration as people type it: whole numbers with `s`, `m`, `h`, `d` or `w`, one after the other, such
 * as `90m` or `1h30m`. Null for anything else: a bare number could be meant in any unit.
 */
export function durationMs(text: string): number | null {
  const typed = text.trim().toLowerCase();
  if (!/^(?:\d{1,9}[smhdw])+$/.test(typed)) return null;
  let total = 0;
  let lastUnitMs = Infinity;
  for (const [, amount = '', unit = ''] of typed.matchAll(/(\d+)([smhdw])/g)) {
    const unitMs = unitsMs.get(unit) ?? 0;
    // `30m1h` and `1h1h` are slips of the hand rather than durations.
    if (unitMs >= lastUnitMs) return null;
    lastUnitMs = unitMs;
    total += Number(amount) * unitMs;
  }
  return total > 0 ? total : null;
}

/**
 * A moment as people type it, as milliseconds since the epoch: a duration before `nowMs` (`24h`, `7d`), a day of this
 * machine's time zone (`2026-11-20`, from its midnight), a time of it (`2026-11-20T14:30`), or one with a zone of its
 * own (`2026-11-20T14:30:00Z`). Null for anything else.
 */
export function momentMs(text: string, nowMs: number): number | null {
  const before = durationMs(text);
  if (before !== null) return nowMs - before >= 0 ? nowMs - before : null;
  const typed = text.trim();
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/i.exec(typed);
  if (parts === null || !isDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return null;
  // Without a time the standard reads a day as one of UTC, which is not what a person means by it.
  const at = Date.parse(typed.length === 10 ? `${typed}T00:00` : typed.replace(' ', 'T').toUpperCase());
  return Number.isNaN(at) ? null : at;
}

/** The 31st of February would pass for a day of March. */
function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
