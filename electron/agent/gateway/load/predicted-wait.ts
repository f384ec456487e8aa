import type { Lanes } from './ask.ts';

/** A lane as the prediction sees it. */
export interface LaneOutlook {
  readonly slots: number;
  /** Milliseconds until each request that runs there gives its place back. */
  readonly remainingMs: readonly number[];
  /** How much longer requests took here than was expected of them. */
  readonly stretch: number;
}

/** A request that gets its place first. */
export interface WorkAhead {
  readonly lanes: Lanes;
  readonly serviceMs: number;
}

interface Slot {
  readonly lane: string;
  freeMs: number;
}

/**
 * Milliseconds until one of the lanes has a place for a request, once all the work ahead has got its own: every piece of
 * it takes the place that comes free first. 0 when a place is free now.
 */
export function predictedWaitMs(
  lanes: Lanes,
  ahead: readonly WorkAhead[],
  outlook: (lane: string) => LaneOutlook,
): number {
  const outlooks = new Map<string, LaneOutlook>();
  const slots: Slot[] = [];
  const add = (lane: string): void => {
    if (outlooks.has(lane)) return;
    const seen = outlook(lane);
    outlooks.set(lane, seen);
    for (const freeMs of slotTimes(seen)) slots.push({ lane, freeMs });
  };
  lanes.forEach(add);
  for (const work of ahead) work.lanes.forEach(add);
  for (const { lanes: theirs, serviceMs } of ahead) {
    const slot = earliest(slots, theirs);
    if (slot) slot.freeMs += serviceMs * (outlooks.get(slot.lane)?.stretch ?? 1);
  }
  return earliest(slots, lanes)?.freeMs ?? 0;
}

/** When each slot is free. With more running than there are slots, as many have to end first. */
function slotTimes({ slots, remainingMs }: LaneOutlook): number[] {
  const ends = [...remainingMs].sort((a, b) => a - b);
  const free = Math.max(0, slots - ends.length);
  return [...Array.from({ length: free }, () => 0), ...ends.slice(Math.max(0, ends.length - slots))];
}

function earliest(slots: readonly Slot[], lanes: Lanes): Slot | null {
  let best: Slot | null = null;
  for (const slot of slots) {
    if ((best === null || slot.freeMs < best.freeMs) && lanes.includes(slot.lane)) best = slot;
  }
  return best;
}
