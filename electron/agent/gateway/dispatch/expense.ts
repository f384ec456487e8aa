import type { Priority } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import type { Reservation, Spending } from '../../inference/spending.ts';
import type { TokenPrice } from '../../inference/upstream.ts';
import type { AnswerFigures, Usage } from '../../inference/usage.ts';
import type { PlannedCandidate } from '../routing/plan.ts';

const perToken = 1_000_000;

/** Dollars that an answer cost. */
export function costOf(usage: Usage, price: TokenPrice): number {
  const cached = Math.min(usage.cachedTokens ?? 0, usage.promptTokens);
  const cachedUsd = price.cachedInputUsd ?? price.inputUsd;
  const prompt = (usage.promptTokens - cached) * price.inputUsd + cached * cachedUsd;
  return (prompt + usage.completionTokens * price.outputUsd) / perToken;
}

export interface ExpenseAsk {
  readonly candidate: PlannedCandidate;
  readonly priority: Priority;
  /** Id of the caller, and what it may spend a day; null without a limit. */
  readonly caller: string;
  readonly callerDollarsPerDay: number | null;
}

/**
 * The money of one try. It is set aside before anything is sent and settled exactly once: with what the answer cost; with
 * what its tokens so far cost where the provider told no usage; with all that was set aside where it is not known what
 * was done; with nothing where nothing was.
 */
export class Expense {
  readonly #candidate: PlannedCandidate;
  #reservation: Reservation | null;

  private constructor(candidate: PlannedCandidate, reservation: Reservation | null) {
    this.#candidate = candidate;
    this.#reservation = reservation;
  }

  /** Sets the money aside; an error instead where it may not be spent. What costs nothing always may. */
  static open(spending: Spending, ask: ExpenseAsk): Expense | AppError {
    const { upstream, model, estimate } = ask.candidate;
    if (model.price === undefined) return new Expense(ask.candidate, null);
    const { priority, caller, callerDollarsPerDay } = ask;
    const { worstUsd } = estimate;
    const wish = { upstreamId: upstream.id, model: model.id, worstUsd, priority, caller, callerDollarsPerDay };
    const answer = spending.reserve(wish);
    if ('reservation' in answer) return new Expense(ask.candidate, answer.reservation);
    const code = answer.refused.reason === 'no-budget' ? 'key_limit' : 'forbidden';
    return new AppError(code, answer.refused.sentence, { context: { upstream: upstream.id } });
  }

  /** The answer is over, whole or not. */
  answered(figures: AnswerFigures | null): void {
    const { model, estimate } = this.#candidate;
    const { price } = model;
    if (price === undefined) return;
    if (figures === null) this.#settle(estimate.worstUsd);
    else if (figures.usage !== null) this.#settle(costOf(figures.usage, price));
    else {
      const usage = { promptTokens: estimate.promptTokens, completionTokens: figures.tokens, cachedTokens: null };
      this.#settle(Math.min(estimate.worstUsd, costOf(usage, price)));
    }
  }

  /** No answer came. A status, or a connection that did not come about, says that nothing was done. */
  failed(error: AppError): void {
    const undone = typeof error.context['status'] === 'number' || !unknowable.has(error.code);
    if (!undone) this.#settle(this.#candidate.estimate.worstUsd);
    else {
      this.#reservation?.release();
      this.#reservation = null;
    }
  }

  #settle(spentUsd: number): void {
    this.#reservation?.settle(spentUsd);
    this.#reservation = null;
  }
}

/** After these it is not known whether the provider went on. */
const unknowable: ReadonlySet<AppError['code']> = new Set([
  'upstream_silent',
  'caller_gone',
  'shutting_down',
  'internal',
]);

/** Nothing may be spent: what holds where no cloud is set up. */
export const nothingSpent: Spending = {
  offload: () => 'off',
  judge: () => offloadOff,
  reserve: () => ({ refused: offloadOff }),
};

const offloadOff = {
  allowed: false,
  reason: 'offload-off',
  sentence: 'Sending requests to a cloud is switched off on this node.',
} as const;
