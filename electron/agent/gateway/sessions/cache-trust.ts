import { RecentMap } from '../load/recent-map.ts';

/** Prefixes below this say little: templates and rounding are of that size. */
const leastTokens = 128;
/** How much one answer counts. */
const weight = 0.25;
const mostPlaces = 256;

/**
 * How much of what should be in an upstream's cache really is, by its own count: 1 at first, and then as the answers
 * tell. A cache that reports success and reuses nothing, or has fewer places than there are chats, is believed less.
 */
export class CacheTrust {
  readonly #shares = new RecentMap<string, number>(mostPlaces);

  /** 0 to 1. */
  of(place: string): number {
    return this.#shares.get(place) ?? 1;
  }

  /** An answer told how much of the prompt was cached. */
  observe(place: string, expectedTokens: number, cachedTokens: number): void {
    if (expectedTokens < leastTokens) return;
    const share = Math.min(1, cachedTokens / expectedTokens);
    this.#shares.set(place, this.of(place) + weight * (share - this.of(place)));
  }
}

/** What an answer says of a cache. Pure. */
export function judgeReuse(expectedTokens: number, cachedTokens: number): 'reused' | 'missed' | 'unclear' {
  if (expectedTokens < leastTokens) return 'unclear';
  const share = cachedTokens / expectedTokens;
  return share < 0.25 ? 'missed' : share >= 0.5 ? 'reused' : 'unclear';
}
