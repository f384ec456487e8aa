import { classes, isPatient, type Standing, type Waiting } from './next-waiter.ts';

/** Of a full queue, what those of lower classes who have waited long keep: as much as they have of the places. */
const keptShare = 1 / 4;

/**
 * Who has to go so that a full queue takes the newcomer; null when the newcomer has to. The lowest class goes first. Of
 * equals it is the caller with the most waiting, if that is at least two more than the newcomer has: one program's flood
 * does not close the queue to the others. It loses the one that came last.
 *
 * Of those of lower classes who have waited long, the first to come stay, a quarter of the queue at most: their place is
 * due to them, and whoever is among them stays among them.
 */
export function displacedBy<Waiter extends Waiting>(
  waiting: Iterable<Waiter>,
  newcomer: Waiting,
  standing: Pick<Standing, 'nowMs' | 'patienceMs'>,
): Waiter | null {
  const counts = new Map<string, number>();
  const all = [...waiting];
  for (const { ask } of all) counts.set(ask.caller, (counts.get(ask.caller) ?? 0) + 1);
  const own = rankOf(newcomer);
  let kept = Math.ceil(all.length * keptShare);
  let worst: { waiter: Waiter; rank: number; count: number } | null = null;
  for (const waiter of all) {
    const rank = rankOf(waiter);
    if (rank > own && kept > 0 && isPatient(waiter, standing)) {
      kept -= 1;
      continue;
    }
    const count = counts.get(waiter.ask.caller) ?? 0;
    if (worst === null || rank > worst.rank || (rank === worst.rank && count >= worst.count)) {
      worst = { waiter, rank, count };
    }
  }
  if (worst === null) return null;
  if (worst.rank > own) return worst.waiter;
  const ownCount = counts.get(newcomer.ask.caller) ?? 0;
  return worst.rank === own && worst.count >= ownCount + 2 ? worst.waiter : null;
}

/** 0 for the highest class. */
function rankOf({ ask }: Waiting): number {
  return classes.indexOf(ask.priority);
}
