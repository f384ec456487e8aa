import { AppError, toAppError, traitsOf } from '../../base/errors.ts';
import type { RelayOutcome } from '../answer/relay.ts';
import type { PlannedCandidate } from '../routing/plan.ts';
import { breakerEventFor, type CircuitBreakers } from './breaker.ts';
import { leftOutError } from './left-out.ts';
import type { RetryBudget } from './retry-budget.ts';

export type Candidates = readonly [PlannedCandidate, ...PlannedCandidate[]];

/** How one try ended. `skipped`: nothing was sent, for a reason that says nothing about the upstream. */
export type TryOutcome = RelayOutcome | { readonly kind: 'skipped'; readonly error: AppError };

export interface DispatchSteps {
  /**
   * Sends the request to the candidate and passes its answer on; calls `begun` when that begins. May throw an AppError
   * instead of telling of it.
   */
  run(candidate: PlannedCandidate, tries: number, begun: () => void): Promise<TryOutcome>;
  /** Hears how each try went; `error` is the code of what stood in the way. */
  tried(candidate: PlannedCandidate, outcome: 'answered' | 'failed' | 'skipped', error: string | null): void;
  readonly signal: AbortSignal;
}

export interface Dispatched {
  readonly candidate: PlannedCandidate;
  readonly outcome: RelayOutcome;
}

/** Sends a request to the candidates of its plan, one after the other, until one answers. */
export class Dispatcher {
  readonly #breakers: CircuitBreakers;
  readonly #retries: RetryBudget;

  constructor(deps: { readonly breakers: CircuitBreakers; readonly retries: RetryBudget }) {
    this.#breakers = deps.breakers;
    this.#retries = deps.retries;
  }

  /**
   * Resolves when a candidate has answered, or none is left to try. The next candidate is tried only while no byte has
   * reached the caller, only after failures that another upstream may not share, and only within the budget for second
   * tries; that budget does not keep a request from the first local engine of its plan.
   *
   * @throws AppError when every candidate was passed over
   */
  async dispatch(candidates: Candidates, steps: DispatchSteps): Promise<Dispatched> {
    this.#retries.begin();
    let last: Dispatched | null = null;
    let passedOver: AppError | null = null;
    let tries = 0;
    let hasAskedHere = false;
    for (const candidate of candidates) {
      const { id, route } = candidate.upstream;
      const standing = this.#breakers.standingOf(id);
      if (standing.kind === 'open') {
        steps.tried(candidate, 'skipped', 'breaker-open');
        passedOver ??= leftOutError(candidate.model.id, id, standing.leftOut);
        continue;
      }
      // However many have failed: an engine of this machine is asked too, once. Its own queue bounds its load.
      const isFirstHere = route === 'local' && !hasAskedHere;
      if (tries > 0 && !isFirstHere && !this.#retries.retry(tries, isDeclined(last))) continue;
      this.#breakers.enter(id);
      const outcome = await this.#try(candidate, tries, steps);
      if (outcome.kind === 'skipped') {
        this.#breakers.report(id, { kind: 'given-up' });
        steps.tried(candidate, 'skipped', outcome.error.code);
        if (steps.signal.aborted) throw outcome.error;
        passedOver ??= outcome.error;
        continue;
      }
      tries += 1;
      hasAskedHere ||= route === 'local';
      const error = outcome.kind === 'failed' ? outcome.error : null;
      this.#breakers.report(id, error === null ? { kind: 'answered' } : breakerEventFor(error, route));
      steps.tried(candidate, error === null ? 'answered' : 'failed', error?.code ?? null);
      last = { candidate, outcome };
      if (error === null || (outcome.kind === 'failed' && outcome.sent)) return last;
      if (steps.signal.aborted || !traitsOf(error.code).mayFallBack) return last;
    }
    if (last) return last;
    // An error takes a stack trace, so none is made for a request that goes well.
    throw passedOver ?? new AppError('engine_not_ready', 'The engine has just stopped. Try again in a moment.');
  }

  async #try(candidate: PlannedCandidate, tries: number, steps: DispatchSteps): Promise<TryOutcome> {
    try {
      return await steps.run(candidate, tries, () => this.#breakers.report(candidate.upstream.id, { kind: 'begun' }));
    } catch (error) {
      return { kind: 'failed', error: toAppError(error), sent: false };
    }
  }
}

/** Whether the last try came back because its upstream cannot do what is asked: nothing was computed for it. */
function isDeclined(last: Dispatched | null): boolean {
  return last?.outcome.kind === 'failed' && last.outcome.error.code === 'unsupported_capability';
}
