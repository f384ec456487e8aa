import type { ActivityEntry } from '../../contract/snapshot.ts';
import type { Trace } from '../../contract/trace.ts';
import type { Announcer } from '../base/announcer.ts';
import type { AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { AnswerMeasurement } from '../inference/measurement.ts';
import type { AnswerFigures } from '../inference/usage.ts';
import { measurementOf } from './answer/measuring.ts';
import type { Call } from './call.ts';
import type { GatewayStats } from './gateway-stats.ts';
import type { Predictor } from './load/predictor.ts';
import type { Prepared } from './preparing.ts';
import { toldRetryAfterS } from './reply.ts';
import type { RequestRecord } from './request-record.ts';
import type { PlannedCandidate } from './routing/plan.ts';
import { TurnedAway } from './turned-away.ts';

/** In a minute, of requests that nothing could be read of: enough to see that somebody tries, and how. */
const turnedAwayTraces = 30;

export interface SettlingDeps {
  readonly stats: GatewayStats;
  readonly predictor: Predictor;
  /** Hears of every good answer. */
  readonly measured: ((measurement: AnswerMeasurement) => void) | null;
  /** Hears of every request, also of those that were refused. */
  readonly traced: Announcer<Trace> | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Outcome {
  readonly error: AppError | null;
  readonly figures: AnswerFigures | null;
  /** The candidate that gave a good answer; null when none did. */
  readonly good: { readonly candidate: PlannedCandidate; readonly firstTry: boolean } | null;
}

/** The last step of a request's way: whoever keeps count of something hears what it came to, once. */
export class Settling {
  readonly #deps: SettlingDeps;
  readonly #turnedAway: TurnedAway;

  constructor(deps: SettlingDeps) {
    this.#deps = deps;
    this.#turnedAway = new TurnedAway({ perMinute: turnedAwayTraces }, { clock: deps.clock });
  }

  /** Also of a request that nothing could be read of. */
  started(call: Call, record: RequestRecord): void {
    const { stats } = this.#deps;
    if (record.decoded === null) stats.turnedAway(entryOf(call, record));
    else stats.started(entryOf(call, record));
  }

  /** To be called when the request's place is free again, so that whoever hears of it sees the load without it. */
  ended(call: Call, record: RequestRecord, outcome: Outcome): void {
    const { stats, clock, logger, traced } = this.#deps;
    const { error, figures, good } = outcome;
    const state = error === null ? 'done' : error.code === 'caller_gone' ? 'aborted' : 'failed';
    const status = call.response.headersSent ? call.response.statusCode : null;
    const { reason } = call.facts(error?.code);
    const durationMs = clock.monotonic() - call.arrivedMs;
    const { costUsd } = record;
    const ending = { state, status, reason, error: error?.code ?? null, durationMs } as const;
    const change = costUsd > 0 ? { ...ending, costUsd } : ending;
    stats.ended(call.trace, change, figures, call.model);
    // Of a request that was answered by nobody no tokens count against its key, and it counts as a request itself until
    // the time at which it was told to come back.
    const unanswered = figures === null ? error : null;
    const { prepared } = record;
    if (unanswered) prepared?.allowance?.settle(0, toldRetryAfterS(unanswered));
    else prepared?.allowance?.settle(tokensOf(prepared, figures));
    if (good !== null && figures !== null) this.#learn(record, good, figures);
    const leavesTrace = record.decoded !== null || this.#turnedAway.leavesTrace();
    if (leavesTrace && traced !== null && traced.size > 0) {
      this.#safely('a trace', () => traced.announce(record.trace({ state, status, error, reason, figures })));
    }
    if (state === 'failed') {
      const { trace, upstream } = call;
      logger.warn({ trace, upstream, code: error?.code, ...error?.context }, 'a request was not answered');
    }
  }

  #learn(record: RequestRecord, { candidate, firstTry }: NonNullable<Outcome['good']>, figures: AnswerFigures): void {
    const { prepared } = record;
    if (prepared === null) return;
    const { predictor, measured } = this.#deps;
    const seen = { figures, waitedMs: record.queuedMs, firstTry };
    const measurement = measurementOf(prepared.query, candidate, seen);
    predictor.observe(measurement, prepared.size, prepared.caller.id);
    const { upstreamId, model, promptTokens, cachedTokens, completionTokens } = measurement;
    prepared.session?.settle({ upstreamId, model, promptTokens, cachedTokens, completionTokens });
    if (measured !== null) this.#safely('a measured answer', () => measured(measurement));
  }

  #safely(what: string, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#deps.logger.error({ err: error }, `${what} could not be taken in`);
    }
  }
}

/** Prompt and answer together: as told, else the prompt as it was reckoned and what came of the answer. */
function tokensOf(prepared: Prepared, figures: AnswerFigures | null): number | null {
  if (figures === null) return null;
  const { usage, tokens } = figures;
  return usage === null ? prepared.promptTokens + tokens : usage.promptTokens + usage.completionTokens;
}

function entryOf(call: Call, record: RequestRecord): ActivityEntry {
  const { decoded } = record;
  return {
    trace: call.trace,
    key: call.caller?.keyName ?? null,
    cachedTokens: null,
    at: record.at,
    dialect: call.dialect.name,
    operation: record.operation,
    stream: decoded?.stream ?? false,
    model: decoded?.model ?? '',
    requestedModel: decoded?.model.slice(0, 500) ?? '',
    session: null,
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
