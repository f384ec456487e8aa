import type { Saturation } from './load/saturation.ts';
import type { Spending } from '../inference/spending.ts';
import type { Upstream, UpstreamDescription } from '../inference/upstream.ts';
import type { Call } from './call.ts';
import { upstreamDialectNamed } from './dialects/dialects.ts';
import type { CircuitBreakers } from './dispatch/breaker.ts';
import type { Candidates } from './dispatch/dispatcher.ts';
import type { Predictor } from './load/predictor.ts';
import { missingCapability } from './missing-capability.ts';
import type { GatewayPolicy } from './policy.ts';
import type { Prepared } from './preparing.ts';
import type { RequestRecord } from './request-record.ts';
import type { PlannedCandidate, RouteContext, RouteOption, RoutePlan } from './routing/plan.ts';
import { planRoute } from './routing/plan-route.ts';
import type { AppError } from '../base/errors.ts';

/** Callers count before each request, and would rather have a good guess soon. */
const countLimitMs = 2_000;

export interface PlanningOptions {
  readonly policy: GatewayPolicy;
  /** Id of this node in lists of hops. */
  readonly nodeId: string;
}

export interface PlanningDeps {
  /** Ready and not. */
  readonly upstreams: () => readonly UpstreamDescription[];
  readonly upstream: (id: string) => Upstream | undefined;
  readonly predictor: Predictor;
  readonly breakers: CircuitBreakers;
  readonly spending: Spending;
  readonly saturation: () => Saturation;
}

/** Asks the router, with all that it may want to know. */
export class Planning {
  readonly #options: PlanningOptions;
  readonly #deps: PlanningDeps;

  constructor(options: PlanningOptions, deps: PlanningDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Who may answer, best first. The record hears of every one, also of those that may not.
   *
   * @throws AppError the router's refusal
   */
  plan(call: Call, prepared: Prepared, record: RequestRecord): Candidates {
    const { decoded, resolved } = prepared;
    const plan = planRoute(
      {
        operation: decoded.operation,
        dialect: decoded.surface.dialect,
        target: resolved.target,
        needs: [...decoded.needs.keys()],
        priority: resolved.priority,
        ceiling: resolved.ceiling,
        maxCostUsd: resolved.maxCostUsd,
        promptTokens: prepared.promptTokens,
        maxTokens: prepared.maxTokens,
        hops: prepared.hops,
        allowedModels: resolved.allowedModels,
      },
      this.#deps.upstreams().map((upstream) => this.#option(upstream, prepared)),
      this.context(call, prepared),
    );
    record.planned(plan, this.#deps.saturation());
    call.reason = plan.kind === 'plan' ? plan.candidates[0].reason : plan.reason;
    call.refusal = plan.kind === 'plan' ? null : plan.reason;
    if (plan.kind === 'plan') return plan.candidates;
    throw refusalOf(plan, prepared);
  }

  /** Tokens of a chat's prompt by the candidate's own tokenizer; null where it cannot tell in time. */
  async countTokens(candidate: PlannedCandidate, prepared: Prepared, signal: AbortSignal): Promise<number | null> {
    const { query, localQuery, decoded } = prepared;
    const upstream = this.#deps.upstream(candidate.upstream.id);
    const chosen = candidate.upstream.route === 'local' ? localQuery : query;
    if (upstream?.countTokens === undefined || chosen.operation !== 'chat') return null;
    const model = candidate.model.id;
    const extras = decoded.surface.dialect === 'openai' ? decoded.extras : {};
    const body = upstreamDialectNamed.openai.encode(chosen, { model, stream: false, extras });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(countLimitMs)]);
    try {
      return await upstream.countTokens(model, Buffer.from(JSON.stringify(body), 'utf8'), limit);
    } catch (error) {
      if (signal.aborted) throw error;
      return null;
    }
  }

  /** Longest time that a request of its priority may wait for a slot, milliseconds. */
  mostWaitMs({ resolved }: Prepared): number {
    const { maxWaitMs, maxRoutineWaitMs } = this.#options.policy;
    const { target, priority } = resolved;
    const isRoutine = priority === 'low' || (target.kind === 'policy' && target.policy === 'ranch/routine');
    return isRoutine ? Math.max(maxWaitMs, maxRoutineWaitMs) : maxWaitMs;
  }

  context(call: Call, prepared: Prepared): RouteContext {
    return {
      nodeId: this.#options.nodeId,
      goalMs: this.#options.policy.goalMs,
      offload: this.#deps.spending.offload(),
      mostWaitMs: this.mostWaitMs(prepared),
      seed: call.trace,
    };
  }

  #option(upstream: UpstreamDescription, prepared: Prepared): RouteOption {
    const { predictor, breakers, spending } = this.#deps;
    const { session, resolved, caller, size } = prepared;
    return {
      upstream,
      breaker: breakers.stateOf(upstream.id),
      hasSession: session?.lastUpstream === upstream.id,
      estimate: (model) =>
        predictor.estimate({
          upstream,
          model,
          operation: prepared.decoded.operation,
          promptTokens: predictor.promptTokens(model.id, size),
          cachedTokens: session?.cachedTokens(upstream.id, model.id) ?? 0,
          lostCacheTokens: session?.lostTokens(upstream.id, model.id) ?? 0,
          maxTokens: prepared.maxTokens,
          priority: resolved.priority,
          caller: caller.id,
        }),
      spending: (model, worstUsd) =>
        spending.judge({
          upstreamId: upstream.id,
          model: model.id,
          worstUsd,
          priority: resolved.priority,
          caller: caller.id,
          callerDollarsPerDay: prepared.dollarsPerDay,
        }),
    };
  }
}

/** The router knows what is lacking; which field asks for it is known here. */
function refusalOf(plan: Extract<RoutePlan, { kind: 'refused' }>, { decoded }: Prepared): AppError {
  const { error, rejected } = plan;
  if (error.code !== 'unsupported_capability') return error;
  const lacking = [...decoded.needs.keys()].find((need) => need === error.context['capability']);
  if (lacking === undefined) return error;
  const model = rejected.find(({ code }) => code === 'lacks-capability')?.model ?? decoded.model;
  return missingCapability(model, lacking, decoded.needs.get(lacking) ?? 'model');
}
