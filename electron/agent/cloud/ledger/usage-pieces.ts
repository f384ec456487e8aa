import { dayMs, hourMs, hourOf, quarterMs } from './quarters.ts';

/**
 * A part of the time that is asked for, and which sums tell it: those by group and span, or (`spanMs` null) those of each
 * quarter of an hour by scope. What begins in [fromMs, toMs) belongs to it.
 */
export interface Piece {
  readonly spanMs: number | null;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Extent {
  /** Both full quarters of an hour. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** See `Boundary`; both full hours. */
  readonly groupedMs: number;
  readonly compactedMs: number;
}

/** The fewest sums that tell what is asked by name: days, hours at their ends, quarters of an hour at theirs. Pure. */
export function piecesByName({ firstMs, lastMs, groupedMs, compactedMs }: Extent): readonly Piece[] {
  const groupedTo = Math.max(firstMs, Math.min(groupedMs, lastMs));
  const short = (fromMs: number, toMs: number): readonly Piece[] => {
    // There are no hours by name of what is older; quarters of an hour are put together there.
    const hourFrom = upTo(Math.max(fromMs, Math.min(compactedMs, toMs)), hourMs);
    const hourTo = hourOf(toMs);
    if (hourFrom >= hourTo) return [sums(fromMs, toMs)];
    return [sums(fromMs, hourFrom), { spanMs: hourMs, fromMs: hourFrom, toMs: hourTo }, sums(hourTo, toMs)];
  };
  const dayFrom = upTo(firstMs, dayMs);
  const dayTo = Math.floor(groupedTo / dayMs) * dayMs;
  const days =
    dayFrom < dayTo
      ? [...short(firstMs, dayFrom), { spanMs: dayMs, fromMs: dayFrom, toMs: dayTo }, ...short(dayTo, groupedTo)]
      : short(firstMs, groupedTo);
  return [...days, sums(groupedTo, lastMs)].filter(isSome);
}

/**
 * The sums that tell what is asked by time, oldest first: hours, and quarters where the zone begins an hour or a day
 * within one. Pure. `isWhole` says whether all of an hour counts as the same hour or day of the zone; `daysMs` are the
 * days of UTC of which there is something, in order.
 */
export function piecesByTime(
  { firstMs, lastMs, groupedMs, compactedMs }: Extent,
  daysMs: readonly number[],
  isWhole: (startMs: number) => boolean,
): readonly Piece[] {
  const groupedTo = Math.max(firstMs, Math.min(groupedMs, lastMs));
  const pieces: Piece[] = [];
  const add = (spanMs: number, fromMs: number, toMs: number): void => {
    const last = pieces.at(-1);
    if (last?.spanMs === spanMs && last.toMs === fromMs) pieces[pieces.length - 1] = { ...last, toMs };
    else pieces.push({ spanMs, fromMs, toMs });
  };
  for (const dayStartMs of daysMs) {
    for (let hourStartMs = dayStartMs; hourStartMs < dayStartMs + dayMs; hourStartMs += hourMs) {
      const fromMs = Math.max(hourStartMs, firstMs);
      const toMs = Math.min(hourStartMs + hourMs, groupedTo);
      if (fromMs >= toMs) continue;
      // Of what is older there are whole hours alone, which count where they begin.
      if (hourStartMs < compactedMs) {
        if (fromMs === hourStartMs) add(hourMs, hourStartMs, hourStartMs + hourMs);
      } else if (toMs - fromMs === hourMs && isWhole(hourStartMs)) add(hourMs, fromMs, toMs);
      else add(quarterMs, fromMs, toMs);
    }
  }
  return [...pieces, sums(groupedTo, lastMs)].filter(isSome);
}

function sums(fromMs: number, toMs: number): Piece {
  return { spanMs: null, fromMs, toMs };
}

function isSome({ fromMs, toMs }: Piece): boolean {
  return fromMs < toMs;
}

function upTo(ms: number, spanMs: number): number {
  return Math.ceil(ms / spanMs) * spanMs;
}
