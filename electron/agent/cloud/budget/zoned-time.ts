const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What clocks on the wall of a time zone show. */
export interface WallTime {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 1 is Monday, 7 is Sunday. */
  readonly weekday: number;
}

/** Time in one IANA time zone: the platform knows its rules, summer time included. */
export class ZonedTime {
  readonly timeZone: string;
  readonly #parts: Intl.DateTimeFormat;
  /** Offsets by quarter of an hour: no zone of today changes in between. */
  readonly #offsets = new Map<number, number>();

  /** @throws RangeError for a zone that the platform does not know */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    this.#parts = new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** Milliseconds that the zone's clocks are ahead of UTC at that instant. */
  offsetAt(atMs: number): number {
    const quarter = Math.floor(atMs / (15 * minuteMs));
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    const startMs = quarter * 15 * minuteMs;
    const fields: Record<string, number> = {};
    for (const { type, value } of this.#parts.formatToParts(startMs)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - startMs;
    // A week of quarters: whoever looks further ahead asks again.
    if (this.#offsets.size >= 700) this.#offsets.clear();
    this.#offsets.set(quarter, offset);
    return offset;
  }

  wallAt(atMs: number): WallTime {
    const local = new Date(atMs + this.offsetAt(atMs));
    return {
      year: local.getUTCFullYear(),
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      weekday: local.getUTCDay() === 0 ? 7 : local.getUTCDay(),
    };
  }

  /**
   * The first instant at which the zone's clocks show that date and hour or, where they skip it, the first thereafter.
   * `day` may lie outside of the month, as in `Date.UTC`. Where an hour comes twice, it is the first.
   */
  instantOf(year: number, month: number, day: number, hour = 0): number {
    const wanted = Date.UTC(year, month - 1, day, hour);
    // Offsets differ by a day at most, and a change is behind one of these: the earlier instant wins.
    const guesses = [wanted - this.offsetAt(wanted - dayMs), wanted - this.offsetAt(wanted + dayMs)];
    const shown = guesses.filter((guess) => guess + this.offsetAt(guess) === wanted);
    if (shown.length > 0) return Math.min(...shown);
    // The clocks skip it: the change itself is the first instant that shows a later time.
    let from = Math.min(...guesses) - 2 * hourMs;
    while (from + this.offsetAt(from) < wanted) from += 15 * minuteMs;
    return from;
  }

  /** Such as 08:05. */
  clockAt(atMs: number): string {
    const { hour, minute } = this.wallAt(atMs);
    return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
  }

  /** When it will be, in words that follow "opens again": "at 00:00", "on Monday at 00:00", "on 1 December at 00:00". */
  wordsFor(atMs: number, nowMs: number): string {
    const clock = this.clockAt(atMs);
    if (atMs - nowMs <= dayMs) return `at ${clock}`;
    const { weekday, day, month } = this.wallAt(atMs);
    if (atMs - nowMs < 7 * dayMs) return `on ${weekdays[weekday - 1] ?? ''} at ${clock}`;
    return `on ${day} ${months[month - 1] ?? ''} at ${clock}`;
  }
}

export const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

/**
 * The zone of the settings, or that of this machine; UTC where the machine names none that the platform knows, as with an
 * empty TZ in the environment.
 */
export function zoneNamed(timeZone: string | null, machines: string | undefined = machinesZone()): string {
  if (timeZone !== null) return timeZone;
  return machines !== undefined && isZone(machines) ? machines : 'UTC';
}

/** Undefined for a TZ that names no zone, though its type does not say so. */
function machinesZone(): string | undefined {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
