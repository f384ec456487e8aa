/** How long to wait before the next try. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Share of the delay that is random, 0–1: 0.2 means ±20 %. */
  readonly jitter: number;
}

export const restartBackoff: BackoffOptions = { firstMs: 1_000, longestMs: 60_000, jitter: 0.2 };

/**
 * Delay before try number `failures` (1 = after the first failure), doubling from `firstMs` up to `longestMs`.
 * `random` is 0 ≤ x < 1 and spreads the delay evenly over ± jitter, so that nodes that failed together do not
 * come back together.
 */
export function backoffDelayMs(failures: number, random: number, options: BackoffOptions = restartBackoff): number {
  const doubled = options.firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  const base = Math.min(doubled, options.longestMs);
  return Math.round(base * (1 + options.jitter * (2 * random - 1)));
}
