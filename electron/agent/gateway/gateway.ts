import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActivityEntry, NodeSnapshot } from '../../contract/snapshot.ts';
import type { Announcer } from '../base/announcer.ts';
import { AppError, toAppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { AnswerMeasurement } from '../inference/measurement.ts';
import type { Upstream, UpstreamDescription } from '../inference/upstream.ts';
import { Admission } from './load/admission.ts';
import { Call } from './call.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { GatewayStats } from './gateway-stats.ts';
import { defaultLimits, type GatewayLimits } from './limits.ts';
import { Pipeline } from './pipeline.ts';
import { factHeaders } from './ranch-facts.ts';
import { errorHeaders, replyError, replyJson } from './reply.ts';
import { defaultDialect, routeOf, type Route } from './routes.ts';
import { saturationOf } from './load/saturation.ts';
import { GatewayServer } from './server.ts';

export interface GatewayOptions {
  /** Address to listen on, without brackets. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly nodeId: string;
  /** How long `close` lets running answers finish. */
  readonly drainMs: number;
  readonly limits?: Partial<GatewayLimits>;
}

export interface GatewayDeps {
  /** The upstreams that exist now; asked on every request. */
  readonly upstreams: () => readonly Upstream[];
  /** Hears of every good answer; called after the answer has left. */
  readonly measured?: (measurement: AnswerMeasurement) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Stats = Omit<NodeSnapshot['gateway'], 'url'>;

/** The node's one door for programs: takes requests in the callers' dialect and answers them from the upstreams. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #deps: GatewayDeps;
  readonly #server: GatewayServer;
  readonly #admission: Admission;
  readonly #stats: GatewayStats;
  readonly #pipeline: Pipeline;
  readonly #calls = new Set<Call>();
  #closing: Promise<void> | null = null;
  #whenEmpty: (() => void) | null = null;

  constructor(options: GatewayOptions, deps: GatewayDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#limits = { ...defaultLimits, ...options.limits };
    const { clock, logger, upstreams } = deps;
    this.#stats = new GatewayStats(clock);
    this.#admission = new Admission(
      { queueLimit: this.#limits.queueLimit },
      { clock, slots: (lane) => slotsOf(this.#descriptions().filter(({ id }) => id === lane)) },
    );
    this.#pipeline = new Pipeline(
      { limits: this.#limits, stalledMs: this.#limits.stalledMs, pingMs: this.#limits.pingMs },
      {
        upstreams,
        admission: this.#admission,
        dispatcher: new Dispatcher(),
        stats: this.#stats,
        measured: deps.measured ?? null,
        clock,
        logger,
      },
    );
    const { host, port } = options;
    this.#server = new GatewayServer(
      { host, port, hosts: [], ...this.#limits },
      {
        clock,
        handlers: {
          request: (request, response) => this.#request(request, response),
          refused: (request, response, error) => this.#refuse(this.#call(request, response), error),
          encodeRefusal: (error) => this.#encodeRefusal(error),
        },
      },
    );
  }

  /**
   * Starts to listen.
   *
   * @throws AppError `port_taken` (with `host` and `port` in its context) or `settings_invalid`
   */
  listen(): Promise<{ readonly url: string; readonly port: number }> {
    return this.#server.listen();
  }

  /** Takes no more requests, lets running answers finish for `drainMs`, then ends them with an error event. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The gateway's section of the snapshot, without its address. */
  stats(): Stats {
    const { inFlight, queued } = this.#admission;
    const slots = slotsOf(this.#descriptions());
    const { tokensPerSecond, ttftMs, requestsTotal, failuresTotal, completionTokensTotal } = this.#stats;
    const { saturation, level } = saturationOf({ inFlight, queued, slots });
    return {
      inFlight,
      queued,
      saturation,
      level,
      tokensPerSecond,
      ttftMs,
      requestsTotal,
      failuresTotal,
      completionTokensTotal,
      saturationCause: queued > 0 ? `${queued} waiting for ${slots} slots` : '',
      slots,
      refusalsTotal: this.#admission.refused,
      promptTokensTotal: this.#stats.promptTokensTotal,
      cachedTokensTotal: this.#stats.cachedTokensTotal,
      listening: { scope: 'loopback', addresses: [this.#options.host] },
      keysTotal: 0,
      callers: [],
      breakers: [],
    };
  }

  /** Requests turned away because the queue was full. */
  get refused(): number {
    return this.#admission.refused;
  }

  /** The last 50 requests, newest first. */
  activity(): ActivityEntry[] {
    return this.#stats.activity();
  }

  /** Measured decode speed by model id, tokens per second. */
  modelSpeeds(): ReadonlyMap<string, number> {
    return this.#stats.modelSpeeds;
  }

  /** Says that a request began, moved on or ended. */
  get changed(): Announcer<void> {
    return this.#stats.changed;
  }

  /** To be called when an upstream became ready or changed its slots: those who wait may have a place now. */
  upstreamsChanged(): void {
    this.#admission.refill();
  }

  /** Serves a chat request that the control API has authenticated: the same pipeline with the operator's rights. */
  handleOperatorChat(request: IncomingMessage, response: ServerResponse): void {
    this.#serve(this.#call(request, response), { kind: 'generate', dialect: defaultDialect, operation: 'chat' });
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const call = this.#call(request, response);
    try {
      this.#serve(call, routeOf(request.method ?? '', request.url ?? ''));
    } catch (error) {
      this.#refuse(call, toAppError(error));
    }
  }

  #serve(call: Call, route: Route): void {
    if ('dialect' in route) call.dialect = route.dialect;
    switch (route.kind) {
      case 'health':
        this.#reply(call, { status: 'ok' });
        return;
      case 'models':
        this.#reply(call, route.dialect.modelList(this.#descriptions()));
        return;
      case 'model':
        this.#model(call, route.id);
        return;
      case 'generate':
        this.#generate(call, route.operation);
    }
  }

  #generate(call: Call, operation: Extract<Route, { kind: 'generate' }>['operation']): void {
    if (this.#closing) {
      this.#refuse(call, shuttingDown());
      return;
    }
    this.#calls.add(call);
    void this.#pipeline.serve(call, operation).finally(() => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#whenEmpty?.();
    });
  }

  #model(call: Call, id: string): void {
    const model = call.dialect.model(this.#descriptions(), id);
    if (model) {
      this.#reply(call, model);
      return;
    }
    const message = `The model "${id.slice(0, 128)}" is not on this node. GET /v1/models lists those that are.`;
    this.#refuse(call, new AppError('model_not_found', message, { context: { param: 'model' } }));
  }

  #reply(call: Call, value: unknown): void {
    call.reason = 'local-idle';
    replyJson(call.response, 200, value, call.facts());
  }

  #refuse(call: Call, error: AppError): void {
    replyError(call, error, this.#deps.clock);
  }

  #encodeRefusal(error: AppError): { headers: string[]; body: string } {
    const { nodeId } = this.#options;
    const trace = Call.newTrace();
    const facts = { trace, node: nodeId, route: 'none', upstream: null, model: null, reason: 'bad-request' } as const;
    const headers = ['Content-Type', 'application/json; charset=utf-8', ...factHeaders({ ...facts, ignored: [] })];
    return { headers: [...headers, ...errorHeaders(error)], body: JSON.stringify(defaultDialect.errorBody(error)) };
  }

  #call(request: IncomingMessage, response: ServerResponse): Call {
    const arrivedMs = this.#deps.clock.monotonic();
    return new Call(request, response, { node: this.#options.nodeId, arrivedMs, dialect: defaultDialect });
  }

  #descriptions(): UpstreamDescription[] {
    return this.#deps.upstreams().map((upstream) => upstream.describe());
  }

  async #close(): Promise<void> {
    const closed = this.#server.stopAccepting();
    this.#admission.close();
    await this.#drained(this.#options.drainMs);
    for (const call of this.#calls) call.abort(shuttingDown());
    // The error events are on their way once the calls have ended; give them a moment to leave.
    await this.#drained(this.#limits.cutMs);
    this.#server.closeConnections();
    await closed;
  }

  /** Resolves when no call runs any more, or after `limitMs`. */
  #drained(limitMs: number): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        this.#whenEmpty = null;
        resolve();
      };
      const cancel = this.#deps.clock.after(limitMs, finish);
      this.#whenEmpty = finish;
    });
  }
}

function slotsOf(upstreams: readonly UpstreamDescription[]): number {
  return upstreams.reduce((sum, upstream) => sum + (upstream.ready ? upstream.slots : 0), 0);
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'This node is shutting down. Send the request to another node or try later.');
}
