import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Admission, Ticket } from '../load/admission.ts';
import type { AdmissionAsk } from '../load/ask.ts';
import type { PlannedCandidate } from '../routing/plan.ts';
import type { Candidates } from './dispatcher.ts';

export type SeatAsk = Pick<AdmissionAsk, 'priority' | 'caller' | 'mostWaitMs'>;

export interface SeatDeps {
  readonly admission: Admission;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly signal: AbortSignal;
}

/** The place that a request has, which moves with it from one upstream to the next. */
export class Seat {
  readonly #admission: Admission;
  readonly #signal: AbortSignal;
  readonly #ask: SeatAsk;
  #ticket: Ticket | null;
  readonly lane: string;
  #waitedMs: number;

  constructor(ticket: Ticket, ask: SeatAsk, deps: SeatDeps, waitedMs: number) {
    this.#ticket = ticket;
    this.#ask = ask;
    this.#admission = deps.admission;
    this.#signal = deps.signal;
    this.lane = ticket.lane;
    this.#waitedMs = waitedMs;
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
  async moveTo({ upstream, model, estimate }: PlannedCandidate): Promise<void> {
    if (this.#ticket?.lane === upstream.id) return;
    this.release();
    const ask = { ...this.#ask, lanes: [upstream.id], serviceMs: estimate.serviceMs, loads: !model.loaded } as const;
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
 * were kept for a failure, in their order, when the first ones are too busy. Where the first should begin within the goal
 * it is waited for no longer than that leaves, if another can still keep it; only then as long as the request may wait.
 *
 * @throws AppError as {@link Admission.enter} does, for the first ones
 */
export async function takeSeat(
  candidates: Candidates,
  ask: SeatAsk & { readonly goalMs: number },
  deps: SeatDeps,
): Promise<Seat> {
  const [first, ...others] = candidates;
  const { goalMs, ...shared } = ask;
  const { admission, clock, signal } = deps;
  const seat = (ticket: Ticket, beforeMs: number): Seat => new Seat(ticket, shared, deps, beforeMs + ticket.waitedMs);
  const alike = others.filter(({ afterFailure }) => afterFailure !== true);
  const spares = others.filter(({ afterFailure }) => afterFailure === true);
  const lanes = [first.upstream.id, ...alike.map(({ upstream }) => upstream.id)] as const;
  const wish = { ...shared, lanes, serviceMs: first.estimate.serviceMs, loads: !first.model.loaded };

  const { ttftMs, loadMs, prefillMs } = first.estimate;
  const prompt = ttftMs <= goalMs ? spares.filter(({ estimate }) => estimate.ttftMs <= goalMs) : [];
  let waitedMs = 0;
  if (prompt.length > 0) {
    const beganMs = clock.monotonic();
    const mostWaitMs = Math.min(shared.mostWaitMs, Math.max(0, goalMs - loadMs - prefillMs));
    const ticket = await tried(admission.enter(signal, { ...wish, mostWaitMs, tentative: true }));
    if (ticket !== null) return seat(ticket, 0);
    waitedMs = clock.monotonic() - beganMs;
    const spare = await anyAtOnce(prompt, shared, deps);
    if (spare !== null) return seat(spare, waitedMs);
  }
  const mostWaitMs = Math.max(0, shared.mostWaitMs - waitedMs);
  const againMs = clock.monotonic();
  try {
    return seat(await admission.enter(signal, { ...wish, mostWaitMs, tentative: spares.length > 0 }), waitedMs);
  } catch (error) {
    if (!isTooBusy(error) || spares.length === 0) throw error;
    const ticket = await anyAtOnce(spares, shared, deps);
    if (ticket !== null) return seat(ticket, waitedMs + clock.monotonic() - againMs);
    admission.countRefusal(error);
    throw error;
  }
}

/** Only where there is a place at once: the request has waited, or could have, where it wanted to. */
async function anyAtOnce(
  spares: readonly PlannedCandidate[],
  ask: SeatAsk,
  { admission, signal }: SeatDeps,
): Promise<Ticket | null> {
  for (const { upstream, model, estimate } of spares) {
    const spare = { ...ask, lanes: [upstream.id], serviceMs: estimate.serviceMs, loads: !model.loaded } as const;
    const ticket = await tried(admission.enter(signal, { ...spare, mostWaitMs: 0, tentative: true }));
    if (ticket !== null) return ticket;
  }
  return null;
}

/** Being too busy is no more than a no. */
function tried(entering: Promise<Ticket>): Promise<Ticket | null> {
  return entering.catch((error: unknown) => {
    if (isTooBusy(error)) return null;
    throw error;
  });
}

function isTooBusy(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'too_busy';
}

/** The candidate whose place was given goes first; the others stay to fall back on. */
export function laneFirst(candidates: Candidates, lane: string): Candidates {
  const [first, ...others] = candidates;
  const chosen = others.find(({ upstream }) => upstream.id === lane);
  if (first.upstream.id === lane || !chosen) return candidates;
  return [chosen, first, ...others.filter((each) => each !== chosen)];
}
