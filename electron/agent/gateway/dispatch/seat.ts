import { AppError } from '../../base/errors.ts';
import type { Admission, Ticket } from '../load/admission.ts';
import type { AdmissionAsk } from '../load/ask.ts';
import type { PlannedCandidate } from '../routing/plan.ts';
import type { Candidates } from './dispatcher.ts';

export type SeatAsk = Pick<AdmissionAsk, 'priority' | 'caller' | 'mostWaitMs'>;

/** The place that a request has, which moves with it from one upstream to the next. */
export class Seat {
  readonly #admission: Admission;
  readonly #signal: AbortSignal;
  readonly #ask: SeatAsk;
  #ticket: Ticket | null;
  readonly lane: string;
  #waitedMs: number;

  constructor(ticket: Ticket, ask: SeatAsk, deps: { readonly admission: Admission; readonly signal: AbortSignal }) {
    this.#ticket = ticket;
    this.#ask = ask;
    this.#admission = deps.admission;
    this.#signal = deps.signal;
    this.lane = ticket.lane;
    this.#waitedMs = ticket.waitedMs;
  }

  /** Time spent waiting for all places so far. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * A place in the candidate's lane: the one that is held, or another one for which it is given back.
   *
   * @throws AppError as {@link Admission.enter} does; no place is held then
   */
  async moveTo({ upstream, estimate }: PlannedCandidate): Promise<void> {
    if (this.#ticket?.lane === upstream.id) return;
    this.release();
    const ask = { ...this.#ask, lanes: [upstream.id], serviceMs: estimate.serviceMs } as const;
    this.#ticket = await this.#admission.enter(this.#signal, ask);
    this.#waitedMs += this.#ticket.waitedMs;
  }

  release(): void {
    this.#ticket?.release();
    this.#ticket = null;
  }
}

/**
 * A place for a request: with the first candidate or any that does as well, whichever is free earlier; with those that
 * were kept for a failure, in their order, when the first ones are too busy.
 *
 * @throws AppError as {@link Admission.enter} does, for the first ones
 */
export async function takeSeat(
  admission: Admission,
  signal: AbortSignal,
  candidates: Candidates,
  ask: SeatAsk,
): Promise<Seat> {
  const [first, ...others] = candidates;
  const alike = others.filter(({ afterFailure }) => afterFailure !== true);
  const lanes = [first.upstream.id, ...alike.map(({ upstream }) => upstream.id)] as const;
  try {
    const ticket = await admission.enter(signal, { ...ask, lanes, serviceMs: first.estimate.serviceMs });
    return new Seat(ticket, ask, { admission, signal });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'too_busy') throw error;
    for (const { upstream, estimate, afterFailure } of others) {
      if (afterFailure !== true) continue;
      // Only where there is a place at once: the request has waited, or could have, where it wanted to.
      const spare = { ...ask, lanes: [upstream.id], serviceMs: estimate.serviceMs, mostWaitMs: 0 } as const;
      const ticket = await admission.enter(signal, spare).catch((refusal: unknown) => refusedAs(refusal));
      if (ticket !== null) return new Seat(ticket, ask, { admission, signal });
    }
    throw error;
  }
}

/** Being too busy is no more than a no. */
function refusedAs(refusal: unknown): null {
  if (refusal instanceof AppError && refusal.code === 'too_busy') return null;
  throw refusal;
}

/** The candidate whose place was given goes first; the others stay to fall back on. */
export function laneFirst(candidates: Candidates, lane: string): Candidates {
  const [first, ...others] = candidates;
  const chosen = others.find(({ upstream }) => upstream.id === lane);
  if (first.upstream.id === lane || !chosen) return candidates;
  return [chosen, first, ...others.filter((each) => each !== chosen)];
}
