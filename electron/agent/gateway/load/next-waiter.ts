import type { Priority } from '../../../contract/routing.ts';
import { assertNever } from '../../base/errors.ts';
import type { AdmissionAsk } from './ask.ts';

/** A request that waits, as far as the order depends on it. */
export interface Waiting {
  readonly ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
}

/** What the order among those who wait depends on, beside themselves. */
export interface Standing {
  readonly nowMs: number;
  /** Whoever has waited this long while others overtake has its part of every fourth place. */
  readonly patienceMs: number;
  /** Places that were given so far, in all lanes. */
  readonly places: number;
  /** Requests of the caller that run in a lane. */
  running(lane: string, caller: string): number;
  /** The number of the last place that the caller was given; 0 for one who has had none. */
  lastServed(caller: string): number;
  /** Places of the lane that were `overtaking`, since the last one that was `made-good`. */
  overtakes(lane: string): number;
  /** The number of the last place of the lane by which the caller was made good; 0 for one who never was. */
  lastMadeGood(lane: string, caller: string): number;
}

/**
 * Why it was whose turn: by class, and nobody who has waited long was passed over; by class, past somebody of a lower
 * one who has; or to make good that others went first.
 */
export type TurnKind = 'by-class' | 'overtaking' | 'made-good';

export interface Turn<Waiter> {
  readonly waiter: Waiter;
  readonly kind: TurnKind;
}

/** From the highest to the lowest. */
export const classes = ['high', 'normal', 'low'] as const satisfies readonly Priority[];
/** After so many places that went past them, the next one is for those who were overtaken: one place in four. */
const mostOvertakes = 3;

/** How many times those who have waited long were overtaken in a row, after one more turn. */
export function overtakesAfter(kind: TurnKind, before: number): number {
  switch (kind) {
    case 'by-class':
      return before;
    case 'overtaking':
      return before + 1;
    case 'made-good':
      return 0;
    default:
      return assertNever(kind);
  }
}

/** Whether it has waited so long that it is not overtaken without end. */
export function isPatient(
  { sinceMs }: Waiting,
  { nowMs, patienceMs }: Pick<Standing, 'nowMs' | 'patienceMs'>,
): boolean {
  return nowMs - sinceMs >= patienceMs;
}

/** Those of one caller in one class, in the order in which they came. */
interface Queue<Waiter> {
  readonly caller: string;
  readonly entries: Entry<Waiter>[];
}

interface Entry<Waiter> {
  readonly waiter: Waiter;
  /** Its place in the order in which they came. */
  readonly at: number;
}

/**
 * Those who wait, and whose turn it is; the prediction asks it too, so that it never thinks of another order than the
 * real one. A place that comes free in a lane goes
 * 1. to the highest class;
 * 2. within it to the caller that has the fewest running there;
 * 3. then to the caller whose last place is longest ago;
 * 4. then to whoever came first.
 *
 * But of four places that others would take from those of lower classes who have waited long, one is theirs: it goes
 * round among their callers, of each to the one that came first. So nobody waits for ever, and a backlog, however old,
 * never keeps more than that one place from a higher class.
 */
export class Line<Waiter extends Waiting> {
  readonly #queues: Readonly<Record<Priority, Queue<Waiter>[]>> = { high: [], normal: [], low: [] };

  /** @param waiting in the order in which they came */
  constructor(waiting: Iterable<Waiter>) {
    const known = new Map<string, Queue<Waiter>>();
    let at = 0;
    for (const waiter of waiting) {
      const { priority, caller } = waiter.ask;
      const name = `${priority} ${caller}`;
      let queue = known.get(name);
      if (!queue) {
        queue = { caller, entries: [] };
        known.set(name, queue);
        this.#queues[priority].push(queue);
      }
      queue.entries.push({ waiter, at });
      at += 1;
    }
  }

  /** Takes whoever gets the next place of the lane out of the line; null when none waits for it. */
  take(lane: string, standing: Standing): Turn<Waiter> | null {
    for (const [rank, priority] of classes.entries()) {
      const due = this.#due(priority, lane, standing);
      if (due === null) continue;
      const overtaken = this.#overtaken(classes.slice(rank + 1), lane, standing);
      if (overtaken === null) return this.#turn(due, 'by-class');
      if (standing.overtakes(lane) < mostOvertakes) return this.#turn(due, 'overtaking');
      return this.#turn(overtaken, 'made-good');
    }
    return null;
  }

  #turn(entry: Entry<Waiter>, kind: TurnKind): Turn<Waiter> {
    const { waiter } = entry;
    const queues = this.#queues[waiter.ask.priority];
    const whose = queues.findIndex(({ caller }) => caller === waiter.ask.caller);
    const entries = queues[whose]?.entries ?? [];
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length === 0) queues.splice(whose, 1);
    return { waiter, kind };
  }

  #due(priority: Priority, lane: string, standing: Standing): Entry<Waiter> | null {
    let best: Entry<Waiter> | null = null;
    let fewest = 0;
    let longestAgo = 0;
    for (const { caller, entries } of this.#queues[priority]) {
      const entry = firstFor(entries, lane);
      if (!entry) continue;
      const running = standing.running(lane, caller);
      if (best !== null && running > fewest) continue;
      const served = standing.lastServed(caller);
      if (best !== null && running === fewest && !isBefore(served, entry, longestAgo, best)) continue;
      best = entry;
      fewest = running;
      longestAgo = served;
    }
    return best;
  }

  /** By a count of its own, for what a caller gets in higher classes is nothing to those of it who were overtaken. */
  #overtaken(lower: readonly Priority[], lane: string, standing: Standing): Entry<Waiter> | null {
    let best: Entry<Waiter> | null = null;
    let longestAgo = 0;
    for (const priority of lower) {
      for (const { caller, entries } of this.#queues[priority]) {
        const entry = firstFor(entries, lane);
        if (!entry || !isPatient(entry.waiter, standing)) continue;
        const madeGood = standing.lastMadeGood(lane, caller);
        if (best !== null && !isBefore(madeGood, entry, longestAgo, best)) continue;
        best = entry;
        longestAgo = madeGood;
      }
    }
    return best;
  }
}

function firstFor<Waiter extends Waiting>(entries: readonly Entry<Waiter>[], lane: string): Entry<Waiter> | null {
  for (const entry of entries) if (entry.waiter.ask.lanes.includes(lane)) return entry;
  return null;
}

/** Whose last turn is longer ago, or else who came first. */
function isBefore(last: number, { at }: Entry<unknown>, otherLast: number, other: Entry<unknown>): boolean {
  return last === otherLast ? at < other.at : last < otherLast;
}
