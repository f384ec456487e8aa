import type { AdmissionAsk, Lanes } from './ask.ts';

/** When a request that runs gives its place back. */
export interface Remaining {
  /** To be expected, milliseconds from now. */
  readonly ms: number;
  /** How far off that may be: one standard deviation. */
  readonly offMs: number;
}

/** A lane as the prediction sees it. */
export interface LaneOutlook {
  readonly slots: number;
  readonly running: readonly Remaining[];
  /** How much longer requests took here than was expected of them. */
  readonly stretch: number;
  /** How far off that is for a single request of the caller, as a share of its time: one standard deviation. */
  spread(caller: string): number;
}

/** A request that gets its place first. */
export type WorkAhead = Pick<AdmissionAsk, 'lanes' | 'caller' | 'serviceMs'>;

export interface PredictedWait {
  /** To be expected. */
  readonly waitMs: number;
  /** Not exceeded by about 99 of 100. */
  readonly mostMs: number;
}

interface Slot {
  readonly lane: string;
  freeMs: number;
  /** Square of how far off that may be. */
  variance: number;
}

/**
 * Standard deviations that a slot's own end keeps within. Less than a single slot would need, for the others may be free
 * sooner; chosen by the overload bench, where one in 250 of those sent away had to wait first.
 */
const surelyAlone = 1;
/** And those that a long queue keeps within, whose errors have evened out already. */
const surelyTogether = 2.5;

/**
 * How long until one of the lanes has a place for a request, once all the work ahead has got its own: every piece of it
 * takes the place that comes free first. 0 when a place is free now. Behind few others the wait is as uncertain as these
 * are; what single requests are off by evens out with their number and with the slots that they end on.
 */
export function predictedWait(
  lanes: Lanes,
  ahead: readonly WorkAhead[],
  outlook: (lane: string) => LaneOutlook,
): PredictedWait {
  const outlooks = new Map<string, LaneOutlook>();
  const slots: Slot[] = [];
  const add = (lane: string): void => {
    if (outlooks.has(lane)) return;
    const seen = outlook(lane);
    outlooks.set(lane, seen);
    slots.push(...slotsOf(lane, seen));
  };
  lanes.forEach(add);
  for (const work of ahead) work.lanes.forEach(add);
  let aheadMs = 0;
  for (const { lanes: theirs, caller, serviceMs } of ahead) {
    const slot = earliest(slots, theirs);
    const seen = slot && outlooks.get(slot.lane);
    if (!slot || !seen) continue;
    const tookMs = serviceMs * seen.stretch;
    slot.freeMs += tookMs;
    aheadMs += tookMs;
    slot.variance += (tookMs * seen.spread(caller)) ** 2;
  }
  const own = earliest(slots, lanes);
  if (own === null || own.freeMs <= 0) return { waitMs: 0, mostMs: 0 };
  const mostMs = ahead.length < slots.length ? mostAlone(slots, lanes) : own.freeMs + lateness(slots, ahead, aheadMs);
  return { waitMs: own.freeMs, mostMs };
}

/** Behind few others: whichever slot is surely free first. */
function mostAlone(slots: readonly Slot[], lanes: Lanes): number {
  const ends = slots.map(({ lane, freeMs, variance }) =>
    lanes.includes(lane) ? freeMs + surelyAlone * Math.sqrt(variance) : Number.POSITIVE_INFINITY,
  );
  return Math.min(...ends);
}

/**
 * Behind many others: what single ones are off by evens out. But each of the other callers may come with one more that
 * goes first, for places go round.
 */
function lateness(slots: readonly Slot[], ahead: readonly WorkAhead[], aheadMs: number): number {
  const variance = slots.reduce((sum, slot) => sum + slot.variance, 0);
  const others = new Set(ahead.map(({ caller }) => caller)).size - 1;
  const overtakenMs = (others * aheadMs) / ahead.length;
  return (overtakenMs + surelyTogether * Math.sqrt(variance)) / slots.length;
}

/** When each slot is free. With more running than there are slots, as many have to end first. */
function slotsOf(lane: string, { slots, running }: LaneOutlook): Slot[] {
  const ends = [...running].sort((a, b) => a.ms - b.ms).slice(Math.max(0, running.length - slots));
  const free = Array.from({ length: slots - ends.length }, () => ({ lane, freeMs: 0, variance: 0 }));
  return [...free, ...ends.map(({ ms, offMs }) => ({ lane, freeMs: ms, variance: offMs ** 2 }))];
}

function earliest(slots: readonly Slot[], lanes: Lanes): Slot | null {
  let best: Slot | null = null;
  for (const slot of slots) {
    if ((best === null || slot.freeMs < best.freeMs) && lanes.includes(slot.lane)) best = slot;
  }
  return best;
}
