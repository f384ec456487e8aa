export interface Load {
  readonly inFlight: number;
  readonly queued: number;
  /** Requests that the ready upstreams work on side by side. */
  readonly slots: number;
}

export interface Saturation {
  /** 0 (free) to 1 (no slot left). */
  readonly saturation: number;
  readonly level: 'calm' | 'busy' | 'saturated';
}

/** How full the node is. Somebody waiting is what makes it saturated: one request on an engine of one slot is not. */
export function saturationOf(load: Load): Saturation {
  const { inFlight, queued, slots } = load;
  const share = slots > 0 ? Math.min(1, inFlight / slots) : inFlight > 0 ? 1 : 0;
  if (queued > 0) return { saturation: 1, level: 'saturated' };
  return { saturation: share, level: share >= 0.5 ? 'busy' : 'calm' };
}
