import { toAppError, type AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { InferenceRequest, Operation } from '../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../inference/upstream.ts';
import type { AnswerFigures } from '../inference/usage.ts';
import type { Admission } from './admission.ts';
import type { Call } from './call.ts';
import type { DecodedRequest } from './dialects/dialect.ts';
import type { Dispatched, Dispatcher } from './dispatcher.ts';
import type { GatewayStats } from './gateway-stats.ts';
import { missingCapability } from './missing-capability.ts';
import { Relay, type RelayOutcome } from './relay.ts';
import { replyError } from './reply.ts';
import { judgeBodyHeaders, readBody, type BodyLimits } from './request-body.ts';
import { planRoute, type Candidate } from './router.ts';
import { TokenMeter } from './token-meter.ts';

export interface PipelineOptions {
  readonly limits: BodyLimits;
  readonly stalledMs: number;
}

export interface PipelineDeps {
  readonly upstreams: () => readonly Upstream[];
  readonly admission: Admission;
  readonly dispatcher: Dispatcher;
  readonly stats: GatewayStats;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Candidates = readonly [Candidate, ...Candidate[]];

/**
 * The way of an inference request, in this order and written nowhere else: decode, admission, plan, dispatch, tap,
 * encode. Whatever fails on the way becomes one error in the caller's dialect.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #deps: PipelineDeps;

  constructor(options: PipelineOptions, deps: PipelineDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async serve(call: Call, operation: Operation): Promise<void> {
    const { admission, stats } = this.#deps;
    let decoded: DecodedRequest | null = null;
    let meter: TokenMeter | null = null;
    try {
      decoded = await this.#decode(call, operation);
      // What can never be served is refused before it waits in a queue.
      let candidates = this.#plan(call, decoded);
      const ticket = await admission.enter(call.signal);
      try {
        if (ticket.waitedMs > 0) candidates = this.#plan(call, decoded);
        const dispatched = await this.#dispatch(call, decoded, candidates);
        try {
          meter = this.#tap(call, decoded, dispatched);
          const outcome = await this.#encode(call, dispatched, meter);
          if (outcome.kind === 'failed' && !outcome.sent) throw outcome.error;
          this.#settle(call, outcome.kind === 'failed' ? outcome.error : null, meter.end());
        } finally {
          dispatched.done();
        }
      } finally {
        ticket.release();
      }
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal')
        this.#deps.logger.error({ err: thrown, trace: call.trace }, 'a request failed inside');
      if (decoded === null) stats.started(this.#entry(call, operation, null));
      this.#refuse(call, error);
      this.#settle(call, error, meter?.end() ?? null);
    }
  }

  async #decode(call: Call, operation: Operation): Promise<DecodedRequest> {
    const { clock, stats } = this.#deps;
    const { limits } = this.#options;
    judgeBodyHeaders(call.request, limits);
    const decoded = call.dialect.decode(operation, await readBody(call.request, limits, clock));
    call.ignored = decoded.ignored;
    call.model = decoded.model;
    stats.started(this.#entry(call, operation, decoded));
    return decoded;
  }

  #plan(call: Call, decoded: DecodedRequest): Candidates {
    const { upstreams, dispatcher } = this.#deps;
    const options = upstreams().map((each) => {
      const upstream = each.describe();
      return { upstream, inFlight: dispatcher.inFlight(upstream.id) };
    });
    const { operation, model, needs } = decoded;
    const plan = planRoute({ operation, dialect: call.dialect.name, model, needs: [...needs.keys()] }, options);
    if (plan.kind === 'plan') {
      call.reason = plan.candidates[0].reason;
      return plan.candidates;
    }
    call.reason = plan.reason;
    if (plan.error.kind === 'error') throw plan.error.error;
    const { model: offered, capability } = plan.error;
    throw missingCapability(offered, capability, needs.get(capability) ?? 'model');
  }

  async #dispatch(call: Call, decoded: DecodedRequest, candidates: Candidates): Promise<Dispatched> {
    const { dispatcher, upstreams } = this.#deps;
    const dispatched = await dispatcher.dispatch(
      candidates,
      ({ upstream }) => upstreams().find((each) => each.describe().id === upstream.id),
      ({ model }) => requestFor(call, decoded, model),
      call.signal,
    );
    const { candidate } = dispatched;
    call.route = candidate.upstream.route;
    call.upstream = candidate.upstream.id;
    call.model = candidate.model;
    call.reason = candidate.reason;
    this.#deps.stats.progressed(call.trace, routed(candidate.upstream, candidate));
    return dispatched;
  }

  #tap(call: Call, decoded: DecodedRequest, dispatched: Dispatched): TokenMeter {
    const { clock, stats } = this.#deps;
    const speed = dispatched.candidate.upstream.route === 'local' ? stats.speed : null;
    return new TokenMeter({ stream: decoded.stream, arrivedMs: call.arrivedMs }, { clock, speed });
  }

  #encode(call: Call, dispatched: Dispatched, meter: TokenMeter): Promise<RelayOutcome> {
    const { clock } = this.#deps;
    const { stalledMs } = this.#options;
    const deps = { clock, meter, signal: call.signal, dialect: call.dialect };
    return new Relay(dispatched.response, call.response, call.facts(), { stalledMs }, deps).run();
  }

  #refuse(call: Call, error: AppError): void {
    const { response } = call;
    if (response.headersSent || response.destroyed) return;
    replyError(call, error, this.#deps.clock);
  }

  #settle(call: Call, error: AppError | null, figures: AnswerFigures | null): void {
    const { stats, clock, logger } = this.#deps;
    const state = error === null ? 'done' : error.code === 'caller_gone' ? 'aborted' : 'failed';
    const durationMs = clock.monotonic() - call.arrivedMs;
    const status = call.response.headersSent ? call.response.statusCode : null;
    const { reason } = call.facts(error?.code);
    stats.ended(call.trace, { state, status, reason, error: error?.code ?? null, durationMs }, figures, call.model);
    if (state === 'failed') {
      const { trace, upstream } = call;
      logger.warn({ trace, upstream, code: error?.code, ...error?.context }, 'a request was not answered');
    }
  }

  #entry(call: Call, operation: Operation, decoded: DecodedRequest | null): Parameters<GatewayStats['started']>[0] {
    return {
      trace: call.trace,
      at: new Date(this.#deps.clock.now()).toISOString(),
      dialect: call.dialect.name,
      operation,
      stream: decoded?.stream ?? false,
      model: decoded?.model ?? '',
      upstream: null,
      route: 'none',
      reason: '',
      state: 'running',
      status: null,
      error: null,
      promptTokens: null,
      completionTokens: null,
      ttftMs: null,
      durationMs: null,
      tokensPerSecond: null,
    };
  }
}

function requestFor(call: Call, decoded: DecodedRequest, model: string): InferenceRequest {
  const { operation, stream } = decoded;
  return { trace: call.trace, operation, model, stream, dialect: call.dialect.name, body: decoded.bodyFor(model) };
}

function routed(
  upstream: UpstreamDescription,
  { model, reason }: Candidate,
): Parameters<GatewayStats['progressed']>[1] {
  return { upstream: upstream.id, route: upstream.route, model, reason };
}
