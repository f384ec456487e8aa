import type { AdmissionAsk, Lanes } from './ask.ts';
import { ImaginedStanding } from './imagined-standing.ts';
import { Line, type Standing, type Waiting } from './next-waiter.ts';

/** When a request that runs gives its place back. */
export interface Remaining {
  readonly caller: string;
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

/** A request that waits, and how long it is expected to hold its place. */
export interface WaitingWork extends Waiting {
  readonly ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller' | 'serviceMs'>;
}

export interface PredictedWait {
  /** To be expected. */
  readonly waitMs: number;
  /** Not exceeded by about 99 of 100. */
  readonly mostMs: number;
}

interface Slot {
  readonly lane: string;
  readonly outlook: LaneOutlook;
  /** Whose request holds it; null when it is free. */
  caller: string | null;
  freeMs: number;
  /** Square of how far off that may be. */
  variance: number;
}

/** What gets a place first in the lanes of the one that asks. */
interface WorkAhead {
  count: number;
  /** How long all of it together holds its places. */
  tookMs: number;
  readonly callers: Set<string>;
}

/**
 * Standard deviations that a slot's own end keeps within. Less than a single slot would need, for the others may be free
 * sooner; chosen by the overload bench, where one in 250 of those sent away had to wait first.
 */
const surelyAlone = 1;
/** And those that a long queue keeps within, whose errors have evened out already. */
const surelyTogether = 2.5;

/**
 * How long until the newcomer would have a place in one of its lanes, were nobody else to come: every place that comes
 * free is given away as it will be, one after the other, until it is the newcomer's turn. 0 when a place is free now.
 * Behind few others the wait is as uncertain as these are; what single requests are off by evens out with their number
 * and with the slots that they end on.
 *
 * @param waiting in the order in which they came
 */
export function predictedWait(
  newcomer: Waiting,
  waiting: Iterable<WaitingWork>,
  standing: Standing,
  outlook: (lane: string) => LaneOutlook,
): PredictedWait {
  const { lanes } = newcomer.ask;
  const own: WaitingWork = { sinceMs: newcomer.sinceMs, ask: { ...newcomer.ask, serviceMs: 0 } };
  const rivals = rivalsOf(lanes, waiting);
  const imagined = new ImaginedStanding(standing);
  const slots = [...rivals.lanes].flatMap((lane) => slotsOf(lane, outlook(lane), imagined));
  const line = new Line([...rivals.waiting, own]);
  const ahead: WorkAhead = { count: 0, tookMs: 0, callers: new Set() };
  const open = new Set(slots);
  for (let slot = earliest(open); slot !== null; slot = earliest(open)) {
    if (slot.caller !== null) imagined.end(slot.lane, slot.caller);
    slot.caller = null;
    imagined.nowMs = standing.nowMs + slot.freeMs;
    const turn = line.take(slot.lane, imagined);
    if (turn === null) {
      open.delete(slot);
      continue;
    }
    if (turn.waiter === own) {
      const theirs = slots.filter(({ lane }) => lanes.includes(lane));
      return { waitMs: slot.freeMs, mostMs: slot.freeMs <= 0 ? 0 : mostMs(slot, theirs, ahead) };
    }
    const { caller, serviceMs } = turn.waiter.ask;
    const tookMs = serviceMs * slot.outlook.stretch;
    imagined.give(slot.lane, caller, turn.kind);
    slot.caller = caller;
    slot.freeMs += tookMs;
    slot.variance += (tookMs * slot.outlook.spread(caller)) ** 2;
    if (!lanes.includes(slot.lane)) continue;
    ahead.count += 1;
    ahead.tookMs += tookMs;
    ahead.callers.add(caller);
  }
  return { waitMs: 0, mostMs: 0 };
}

/** Those who wait for one of the lanes, or for one that these wait for too, and so on; and all of these lanes. */
function rivalsOf(
  lanes: Lanes,
  waiting: Iterable<WaitingWork>,
): { readonly lanes: ReadonlySet<string>; readonly waiting: readonly WaitingWork[] } {
  const all = [...waiting];
  const reached = new Set<string>(lanes);
  const isRival = ({ ask }: WaitingWork): boolean => ask.lanes.some((lane) => reached.has(lane));
  for (let before = 0; before < reached.size;) {
    before = reached.size;
    for (const each of all)
      if (each.ask.lanes.length > 1 && isRival(each)) each.ask.lanes.forEach((lane) => reached.add(lane));
  }
  return { lanes: reached, waiting: all.filter(isRival) };
}

function mostMs({ freeMs }: Slot, slots: readonly Slot[], ahead: WorkAhead): number {
  if (ahead.count < slots.length) return mostAlone(slots);
  return freeMs + lateness(slots, ahead);
}

/** Behind few others: whichever slot is surely free first. */
function mostAlone(slots: readonly Slot[]): number {
  return Math.min(...slots.map(({ freeMs, variance }) => freeMs + surelyAlone * Math.sqrt(variance)));
}

/**
 * Behind many others: what single ones are off by evens out. But each of the other callers may come with one more that
 * goes first, for places go round.
 */
function lateness(slots: readonly Slot[], { count, tookMs, callers }: WorkAhead): number {
  const variance = slots.reduce((sum, slot) => sum + slot.variance, 0);
  const overtakenMs = ((callers.size - 1) * tookMs) / count;
  return (overtakenMs + surelyTogether * Math.sqrt(variance)) / slots.length;
}

/** When each slot is free. With more running than there are slots, as many have to end first. */
function slotsOf(lane: string, outlook: LaneOutlook, imagined: ImaginedStanding): Slot[] {
  const { slots, running } = outlook;
  const ends = [...running].sort((a, b) => a.ms - b.ms);
  const tooMany = ends.splice(0, Math.max(0, running.length - slots));
  for (const { caller } of tooMany) imagined.end(lane, caller);
  const free = Array.from({ length: slots - ends.length }, () => {
    return { lane, outlook, caller: null, freeMs: 0, variance: 0 };
  });
  const held = ends.map(({ caller, ms, offMs }) => {
    return { lane, outlook, caller, freeMs: ms, variance: offMs ** 2 };
  });
  return [...free, ...held];
}

function earliest(slots: Iterable<Slot>): Slot | null {
  let best: Slot | null = null;
  for (const slot of slots) if (best === null || slot.freeMs < best.freeMs) best = slot;
  return best;
}
