import type { Nanodollars } from '../ledger-port.ts';

export interface VelocityFacts {
  /** Spent in the last {@link recentMs}. */
  readonly recent: Nanodollars;
  /** Spent in each of the full hours of the last seven days. */
  readonly hourly: readonly Nanodollars[];
  readonly factor: number;
  /** An hour counts as at least this. */
  readonly floor: Nanodollars;
  /** A rate for an hour that the operator has just found to be all right; null for none. */
  readonly accepted: Nanodollars | null;
}

/** Rates for an hour. */
export interface Velocity {
  readonly projected: Nanodollars;
  readonly usual: Nanodollars;
  readonly isTooQuick: boolean;
}

export const recentMs = 10 * 60_000;
export const usualHours = 7 * 24;
const hourMs = 60 * 60_000;

/** Whether spending is far quicker than it usually is: the median of the hours in which anything was spent. Pure. */
export function velocity({ recent, hourly, factor, floor, accepted }: VelocityFacts): Velocity {
  const projected = recent * (hourMs / recentMs);
  const usual = Math.max(median(hourly.filter((cost) => cost > 0)), floor, accepted ?? 0);
  return { projected, usual, isTooQuick: projected > factor * usual };
}

function median(costs: readonly Nanodollars[]): Nanodollars {
  if (costs.length === 0) return 0;
  const sorted = [...costs].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
