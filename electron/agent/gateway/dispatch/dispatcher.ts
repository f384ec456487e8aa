import { AppError, toAppError, traitsOf } from '../../base/errors.ts';
import type { InferenceRequest } from '../../inference/request.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import type { Candidate } from '../routing/router.ts';
import { judgeAnswer } from '../answer/upstream-answer.ts';

export interface Dispatched {
  readonly candidate: Candidate;
  readonly response: WireResponse;
  /** The answer is over: the upstream has one request less. Call once. */
  readonly done: () => void;
}

/** Sends a request to the candidates of its plan, one after the other, until one answers. */
export class Dispatcher {
  readonly #inFlight = new Map<string, number>();

  /** Requests that the upstream works on now. */
  inFlight(upstreamId: string): number {
    return this.#inFlight.get(upstreamId) ?? 0;
  }

  /**
   * Resolves with the first good answer. The next candidate is tried only while no byte has reached the caller, and
   * only after failures that another upstream may not share.
   *
   * @throws AppError the last candidate's
   */
  async dispatch(
    candidates: readonly [Candidate, ...Candidate[]],
    upstreamOf: (candidate: Candidate) => Upstream | undefined,
    requestFor: (candidate: Candidate) => InferenceRequest,
    signal: AbortSignal,
  ): Promise<Dispatched> {
    let failure: AppError | null = null;
    for (const candidate of candidates) {
      const upstream = upstreamOf(candidate);
      if (!upstream) continue;
      const done = this.#count(candidate.upstream.id);
      try {
        const response = await upstream.generate(requestFor(candidate), signal);
        await judgeAnswer(response);
        return { candidate, response, done };
      } catch (error) {
        done();
        failure = toAppError(error);
        if (signal.aborted || !traitsOf(failure.code).mayFallBack) throw failure;
      }
    }
    // An error takes a stack trace, so none is made for a request that goes well.
    throw failure ?? new AppError('engine_not_ready', 'The engine has just stopped. Try again in a moment.');
  }

  #count(id: string): () => void {
    this.#inFlight.set(id, this.inFlight(id) + 1);
    return () => {
      const left = this.inFlight(id) - 1;
      if (left > 0) this.#inFlight.set(id, left);
      else this.#inFlight.delete(id);
    };
  }
}
