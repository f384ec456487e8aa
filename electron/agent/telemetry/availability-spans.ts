import type { NodeSnapshot } from '../../contract/snapshot.ts';

/** A stretch of time in which something was ready throughout, or not ready throughout. Milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** Null while it was ready; else why it was not. */
  readonly cause: string | null;
}

export type AvailabilityFigures = NodeSnapshot['node']['availability'];

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** What is older is forgotten. */
const keptMs = 30 * dayMs;
/** A thing that falls and rises all the time fills no more than this. */
const mostSpans = 1_000;

/** How long each period is, and how much of it must have been measured before a figure is given. */
const periods = {
  day: { lengthMs: dayMs, leastMs: hourMs },
  week: { lengthMs: 7 * dayMs, leastMs: dayMs },
  month: { lengthMs: keptMs, leastMs: 7 * dayMs },
} as const;

/**
 * Shares of the measured time that were ready, over the periods that end at `nowMs`. Time that is in no span was not
 * measured and counts neither way. Null while too little of a period has been measured: an hour of the day, a day of
 * the week, a week of the month.
 */
export function figuresOf(spans: readonly Span[], nowMs: number): AvailabilityFigures {
  const share = ({ lengthMs, leastMs }: (typeof periods)[keyof typeof periods]): number | null => {
    let measured = 0;
    let ready = 0;
    for (const { from, to, cause } of spans) {
      const length = Math.min(to, nowMs) - Math.max(from, nowMs - lengthMs);
      if (length <= 0) continue;
      measured += length;
      if (cause === null) ready += length;
    }
    return measured < leastMs ? null : Math.floor((ready / measured) * 10_000) / 10_000;
  };
  return { day: share(periods.day), week: share(periods.week), month: share(periods.month) };
}

/** Longest cause that is kept; a file with a longer one would not be read again. */
export const longestCause = 1_000;

/** Adds what was seen from `from` to `to`: the last span grows, or another one begins. Mutates `spans`. */
export function extend(spans: Span[], seen: Span): void {
  const last = spans.at(-1);
  // An outage keeps the cause it began with: what follows, such as starting again, comes of it.
  const goesOn = last?.to === seen.from && (last.cause === null) === (seen.cause === null);
  if (last && goesOn) spans[spans.length - 1] = { ...last, to: seen.to };
  else spans.push({ ...seen, cause: seen.cause?.slice(0, longestCause) ?? null });
  while (spans.length > mostSpans || (spans[0] && spans[0].to < seen.to - keptMs)) spans.shift();
}
