import { AppError, toAppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { InferenceRequest, Operation } from '../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../inference/upstream.ts';
import type { AnswerFigures } from '../inference/usage.ts';
import type { AnswerMeasurement } from '../inference/measurement.ts';
import type { Admission, Ticket } from './load/admission.ts';
import type { Lanes } from './load/ask.ts';
import type { Call } from './call.ts';
import type { DecodedRequest } from './dialects/dialect.ts';
import type { Dispatched, Dispatcher } from './dispatch/dispatcher.ts';
import type { GatewayStats } from './gateway-stats.ts';
import { missingCapability } from './missing-capability.ts';
import { isEventStream, Relay, type RelayOutcome } from './answer/relay.ts';
import { replyError } from './reply.ts';
import { judgeBodyHeaders, readBody, type BodyLimits } from './request-body.ts';
import { planRoute, virtualModels, type Candidate } from './routing/router.ts';
import { measurementOf } from './answer/measuring.ts';
import { TokenMeter } from './answer/token-meter.ts';
import { Waiting } from './answer/waiting.ts';

export interface PipelineOptions {
  readonly limits: BodyLimits;
  readonly pingMs: number;
  readonly stalledMs: number;
}

export interface PipelineDeps {
  readonly upstreams: () => readonly Upstream[];
  readonly admission: Admission;
  readonly dispatcher: Dispatcher;
  readonly stats: GatewayStats;
  /** Hears of every good answer. */
  readonly measured: ((measurement: AnswerMeasurement) => void) | null;
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
    const { stats } = this.#deps;
    let decoded: DecodedRequest | null = null;
    let meter: TokenMeter | null = null;
    let waiting: Waiting | null = null;
    let good: AnswerMeasurement | null = null;
    try {
      decoded = await this.#decode(call, operation);
      // What can never be served is refused before it waits in a queue.
      const candidates = this.#plan(call, decoded);
      if (decoded.stream) waiting = this.#waiting(call, decoded);
      const ticket = await this.#admit(call, candidates);
      try {
        const planned = ticket.waitedMs > 0 ? this.#plan(call, decoded) : candidates;
        const dispatched = await this.#dispatch(call, decoded, laneFirst(planned, ticket.lane));
        try {
          judgeKind(dispatched, waiting);
          meter = this.#tap(call, decoded, dispatched);
          const outcome = await this.#encode(call, dispatched, meter, waiting);
          if (outcome.kind === 'failed' && !outcome.sent) throw outcome.error;
          const figures = meter.end();
          this.#settle(call, outcome.kind === 'failed' ? outcome.error : null, figures);
          if (outcome.kind === 'done') {
            good = measurementOf(decoded, dispatched.candidate, { figures, waitedMs: ticket.waitedMs });
          }
        } finally {
          dispatched.done();
        }
      } finally {
        ticket.release();
      }
    } catch (thrown) {
      const error = causeOf(call.signal, thrown);
      if (error.code === 'internal')
        this.#deps.logger.error({ err: thrown, trace: call.trace }, 'a request failed inside');
      if (decoded === null) stats.started(this.#entry(call, operation, null));
      if (waiting?.told === true) waiting.fail(error);
      else this.#refuse(call, error);
      this.#settle(call, error, meter?.end() ?? null);
    } finally {
      waiting?.stop();
    }
    if (good) this.#measured(good);
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

  /** A place for the request; the lanes are those of the upstreams that would answer it as well as the first. */
  #admit(call: Call, candidates: Candidates): Promise<Ticket> {
    const [first, ...others] = candidates;
    const alike = others.filter(({ reason }) => first.reason !== 'local-loading' && reason !== 'local-loading');
    const lanes: Lanes = [first.upstream.id, ...alike.map(({ upstream }) => upstream.id)];
    // What it takes is not reckoned yet: what the lanes' requests took corrects it.
    const expected = { serviceMs: 1_000, mostWaitMs: Number.POSITIVE_INFINITY };
    return this.#deps.admission.enter(call.signal, { lanes, priority: 'normal', caller: 'anonymous', ...expected });
  }

  /** Tells the caller of a stream what its request waits for, from now on until the answer begins. */
  #waiting(call: Call, decoded: DecodedRequest): Waiting {
    const waiting = new Waiting(
      { everyMs: this.#options.pingMs },
      {
        clock: this.#deps.clock,
        target: call.response,
        dialect: call.dialect,
        facts: () => call.facts(),
        sentence: () => this.#waitsFor(call, decoded),
      },
    );
    waiting.start();
    return waiting;
  }

  #waitsFor(call: Call, decoded: DecodedRequest): string {
    const name = call.model ?? decoded.model;
    if (call.upstream === null) return `waiting in the queue for ${name}`;
    const upstream = this.#deps
      .upstreams()
      .map((each) => each.describe())
      .find(({ id }) => id === call.upstream);
    if (upstream && !upstream.ready) return `waiting for ${name}: ${upstream.sentence}`;
    const loaded = upstream?.models.find(({ id }) => id === name)?.loaded;
    return loaded === false ? `waiting for ${name} to load` : `waiting for ${name} to read the prompt`;
  }

  async #dispatch(call: Call, decoded: DecodedRequest, candidates: Candidates): Promise<Dispatched> {
    const { dispatcher, upstreams } = this.#deps;
    return dispatcher.dispatch(
      candidates,
      ({ upstream }) => upstreams().find((each) => each.describe().id === upstream.id),
      (candidate) => {
        this.#aim(call, candidate);
        return requestFor(call, decoded, candidate.model);
      },
      call.signal,
    );
  }

  /** From here on the request is the candidate's, which may hold it for minutes before it answers. */
  #aim(call: Call, candidate: Candidate): void {
    call.route = candidate.upstream.route;
    call.upstream = candidate.upstream.id;
    call.model = candidate.model;
    call.reason = candidate.reason;
    this.#deps.stats.progressed(call.trace, routed(candidate.upstream, candidate));
  }

  /** Told once the answer's place is free again, so that whoever hears of it sees the load without it. */
  #measured(measurement: AnswerMeasurement): void {
    try {
      this.#deps.measured?.(measurement);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'a measured answer could not be taken in');
    }
  }

  #tap(call: Call, decoded: DecodedRequest, dispatched: Dispatched): TokenMeter {
    const { clock, stats } = this.#deps;
    const speed = dispatched.candidate.upstream.route === 'local' ? stats.speed : null;
    return new TokenMeter({ dialect: 'openai', stream: decoded.stream, arrivedMs: call.arrivedMs }, { clock, speed });
  }

  #encode(call: Call, dispatched: Dispatched, meter: TokenMeter, waiting: Waiting | null): Promise<RelayOutcome> {
    const { clock } = this.#deps;
    const { stalledMs } = this.#options;
    const deps = { clock, meter, signal: call.signal, dialect: call.dialect, waiting };
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
      key: null,
      cachedTokens: null,
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

/** What ended the request: the abort's own reason, where there was one, says more than what it led to. */
function causeOf(signal: AbortSignal, thrown: unknown): AppError {
  const reason: unknown = signal.aborted ? signal.reason : null;
  return reason instanceof AppError ? reason : toAppError(thrown);
}

/** The candidate whose place was given goes first; the others stay to fall back on. */
function laneFirst(candidates: Candidates, lane: string): Candidates {
  const [first, ...others] = candidates;
  const chosen = others.find(({ upstream }) => upstream.id === lane);
  if (first.upstream.id === lane || !chosen) return candidates;
  return [chosen, first, ...others.filter((each) => each !== chosen)];
}

/**
 * An answer that is no stream gets no comments: they would be no JSON.
 *
 * @throws AppError `upstream_failed` when comments have gone out already, for they promised a stream
 */
function judgeKind({ response }: Dispatched, waiting: Waiting | null): void {
  if (!waiting || isEventStream(response)) return;
  waiting.stop();
  if (!waiting.told) return;
  response.body.destroy();
  throw new AppError('upstream_failed', 'The engine answered with something that is no stream. Send it again.');
}

function requestFor(call: Call, decoded: DecodedRequest, model: string): InferenceRequest {
  const { operation, stream } = decoded;
  const byDefault = virtualModels.includes(decoded.model);
  const { name: dialect } = call.dialect;
  return { trace: call.trace, operation, model, stream, dialect, body: decoded.bodyFor(model), byDefault };
}

function routed(
  upstream: UpstreamDescription,
  { model, reason }: Candidate,
): Parameters<GatewayStats['progressed']>[1] {
  return { upstream: upstream.id, route: upstream.route, model, reason };
}
