import type { Trace, TraceAttempt, TraceCandidate } from '../../contract/trace.ts';
import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { Dialect } from '../inference/request.ts';
import type { AnswerFigures } from '../inference/usage.ts';
import type { Call } from './call.ts';
import type { Decoded, Surface } from './dialects/surface.ts';
import type { Saturation } from './load/saturation.ts';
import type { Prepared } from './preparing.ts';
import type { PlannedCandidate, RejectedOption, RoutePlan } from './routing/plan.ts';

/** What each surface does; known before its body is read. */
const operations: Readonly<Record<Surface['name'], Trace['operation']>> = {
  'chat-completions': 'chat',
  completions: 'completion',
  embeddings: 'embedding',
  responses: 'chat',
  messages: 'chat',
  'ollama-chat': 'chat',
  'ollama-generate': 'chat',
  'ollama-embed': 'embedding',
  'ollama-embeddings': 'embedding',
};

export interface Ending {
  readonly state: Trace['state'];
  readonly status: number | null;
  readonly error: AppError | null;
  readonly reason: string;
  readonly figures: AnswerFigures | null;
}

/** Keeps what is decided about one request, so that it can be told afterwards. Never any of its text. */
export class RequestRecord {
  readonly #call: Call;
  readonly #surface: Surface;
  readonly #clock: Clock;
  readonly #at: string;
  readonly #attempts: TraceAttempt[] = [];
  #plan: RoutePlan | null = null;
  #saturation: Saturation = { saturation: 0, level: 'calm', cause: '' };
  decoded: Decoded | null = null;
  prepared: Prepared | null = null;
  queuedMs = 0;
  /** The dialect that the answer was translated from; null while none was. */
  translatedFrom: Dialect | null = null;
  /** Dollars over all tries so far. */
  costUsd = 0;
  /** Tries for which money was set aside. */
  reservations = 0;
  /** Rules took effect: the request went to an engine of this machine. */
  wentLocal = false;

  constructor(call: Call, surface: Surface, deps: { readonly clock: Clock }) {
    this.#call = call;
    this.#surface = surface;
    this.#clock = deps.clock;
    this.#at = new Date(deps.clock.now()).toISOString();
  }

  get at(): string {
    return this.#at;
  }

  get operation(): Trace['operation'] {
    return this.decoded?.operation ?? operations[this.#surface.name];
  }

  planned(plan: RoutePlan, saturation: Saturation): void {
    this.#plan = plan;
    this.#saturation = saturation;
  }

  tried({ upstream, model }: PlannedCandidate, outcome: TraceAttempt['outcome'], error: string | null): void {
    const atMs = this.#clock.monotonic() - this.#call.arrivedMs;
    this.#attempts.push({ upstream: upstream.id, model: model.id, atMs: rounded(atMs), outcome, error });
  }

  trace({ state, status, error, reason, figures }: Ending): Trace {
    const call = this.#call;
    const { decoded, prepared } = this;
    const retryAfterS = error?.context['retryAfterS'];
    return {
      trace: call.trace,
      at: this.#at,
      dialect: call.dialect.name,
      surface: this.#surface.name,
      operation: this.operation,
      stream: decoded?.stream ?? false,
      requestedModel: decoded?.model.slice(0, 500) ?? '',
      persona: prepared?.resolved.persona?.name ?? null,
      key: call.caller?.keyName ?? null,
      from: call.caller?.from ?? call.request.socket.remoteAddress ?? '',
      priority: prepared?.resolved.priority ?? 'normal',
      ceiling: prepared?.resolved.ceiling ?? 'cloud',
      session: prepared?.session?.id ?? null,
      promptRules: this.wentLocal ? [...(prepared?.promptRules ?? [])] : [],
      ignored: [...call.ignored],
      needs: [...(decoded?.needs.keys() ?? [])],
      candidates: this.#candidates(),
      attempts: this.#attempts,
      saturation: this.#saturation.saturation,
      level: this.#saturation.level,
      cause: this.#saturation.cause,
      state,
      status,
      error: error?.code ?? null,
      route: call.route,
      upstream: call.upstream,
      model: call.model,
      reason,
      translatedFrom: this.translatedFrom,
      queuedMs: rounded(this.queuedMs),
      ttftMs: figures?.ttftMs == null ? null : rounded(figures.ttftMs),
      durationMs: rounded(this.#clock.monotonic() - call.arrivedMs),
      promptTokens: figures?.usage?.promptTokens ?? null,
      cachedTokens: figures?.usage?.cachedTokens ?? null,
      completionTokens: figures === null ? null : figures.tokens,
      tokensPerSecond: figures?.tokensPerSecond ?? null,
      cacheWriteTokens: figures?.usage?.cacheWriteTokens ?? null,
      reasoningTokens: figures?.usage?.reasoningTokens ?? null,
      costUsd: this.costUsd,
      retryAfterS: typeof retryAfterS === 'number' ? retryAfterS : null,
    };
  }

  #candidates(): TraceCandidate[] {
    const plan = this.#plan;
    if (plan === null) return [];
    const chosen = plan.kind === 'plan' ? plan.candidates.map(plannedRow) : [];
    return [...chosen, ...plan.rejected.map(rejectedRow)];
  }
}

function plannedRow({ upstream, model, reason, sentence, estimate }: PlannedCandidate): TraceCandidate {
  const { id, route } = upstream;
  return { upstream: id, model: model.id, route, verdict: 'planned', reason, sentence, estimate };
}

function rejectedRow({ upstream, model, code, sentence, estimate }: RejectedOption): TraceCandidate {
  const { id, route } = upstream;
  return { upstream: id, model, route, verdict: 'rejected', reason: code, sentence, estimate };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
