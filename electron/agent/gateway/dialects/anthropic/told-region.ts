/** Where no surcharge is taken. The latter is told of models and of keys that have no choice of a region. */
const everywhere: ReadonlySet<unknown> = new Set(['global', 'not_available']);

/**
 * Whether a usage tells that the answer was made in one region, which the API bills with a surcharge ("Data residency"): a
 * workspace may have one as its default.
 */
export function isInRegion({ inference_geo: region }: Readonly<Record<string, unknown>>): boolean {
  return typeof region === 'string' && region !== '' && !everywhere.has(region);
}
