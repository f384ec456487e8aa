export const quarterMs = 15 * 60_000;
export const hourMs = 60 * 60_000;
export const dayMs = 24 * hourMs;

/** Start of the quarter of an hour; every time zone's hours and days begin with one. */
export function quarterOf(ms: number): number {
  return Math.floor(ms / quarterMs) * quarterMs;
}

export function hourOf(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs;
}
