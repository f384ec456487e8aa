import type { ActivityEntry } from '../../../contract/snapshot.ts';
import type { Trace } from '../../../contract/trace.ts';
import type { AppError } from '../../base/errors.ts';
import type { Call } from '../call.ts';
import type { ResolvedName } from '../names/resolved-name.ts';

/** What is known of a request for speech, and what came of it. Never any of its text. */
export interface SpeechFacts {
  readonly call: Call;
  readonly at: string;
  readonly requestedModel: string;
  readonly stream: boolean;
  readonly resolved: ResolvedName | null;
  /** Dollars that it costs; 0 where nothing was set aside. */
  readonly worstUsd: number;
  readonly costUsd: number;
  /** Milliseconds after its arrival; null where nothing was sent to a provider. */
  readonly triedMs: number | null;
  /** Until the first sound; null where none came. */
  readonly firstMs: number | null;
}

export interface SpeechEnding {
  readonly state: Trace['state'];
  readonly status: number | null;
  readonly error: AppError | null;
  readonly reason: string;
  readonly durationMs: number;
}

const surface = 'speech';

export function speechEntry(call: Call, at: string): ActivityEntry {
  return {
    trace: call.trace,
    key: call.caller?.keyName ?? null,
    cachedTokens: null,
    at,
    dialect: call.dialect.name,
    operation: 'speech',
    stream: true,
    model: '',
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

export function speechTrace(facts: SpeechFacts, ending: SpeechEnding): Trace {
  const { call, resolved } = facts;
  const { state, status, error, reason, durationMs } = ending;
  const retryAfterS = error?.context['retryAfterS'];
  return {
    trace: call.trace,
    at: facts.at,
    dialect: call.dialect.name,
    surface,
    operation: 'speech',
    stream: facts.stream,
    requestedModel: facts.requestedModel.slice(0, 500),
    persona: resolved?.persona?.name ?? null,
    key: call.caller?.keyName ?? null,
    from: call.caller?.from ?? call.request.socket.remoteAddress ?? '',
    priority: resolved?.priority ?? 'normal',
    ceiling: resolved?.ceiling ?? 'cloud',
    session: null,
    promptRules: [],
    ignored: [...call.ignored],
    needs: [],
    candidates: candidatesOf(facts, error),
    attempts: attemptsOf(facts, error),
    // Speech takes no place of this machine's engines, so how busy they are decides nothing.
    saturation: 0,
    level: 'calm',
    cause: '',
    state,
    status,
    error: error?.code ?? null,
    route: call.route,
    upstream: call.upstream,
    model: call.model,
    reason,
    translatedFrom: null,
    queuedMs: 0,
    ttftMs: facts.firstMs === null ? null : rounded(facts.firstMs),
    durationMs: rounded(durationMs),
    promptTokens: null,
    cachedTokens: null,
    completionTokens: null,
    tokensPerSecond: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costUsd: facts.costUsd,
    retryAfterS: typeof retryAfterS === 'number' ? retryAfterS : null,
  };
}

function candidatesOf({ call, triedMs, worstUsd }: SpeechFacts, error: AppError | null): Trace['candidates'] {
  const { upstream, model } = call;
  if (upstream === null || model === null) return [];
  const none = { waitMs: 0, loadMs: 0, prefillMs: 0, ttftMs: 0, serviceMs: 0 };
  const tokens = { promptTokens: 0, cachedTokens: 0, lostCacheTokens: 0 };
  const estimate = { ...none, ...tokens, worstUsd };
  if (triedMs !== null) {
    const sentence = 'Speech goes to the provider that is set for it.';
    return [{ upstream, model, route: 'cloud', verdict: 'planned', reason: 'cloud-requested', sentence, estimate }];
  }
  const sentence = error?.message ?? '';
  const reason = call.refusal ?? 'not-ready';
  return [{ upstream, model, route: 'cloud', verdict: 'rejected', reason, sentence, estimate }];
}

function attemptsOf({ call, triedMs }: SpeechFacts, error: AppError | null): Trace['attempts'] {
  const { upstream, model } = call;
  if (upstream === null || model === null || triedMs === null) return [];
  const outcome = error === null ? 'answered' : 'failed';
  return [{ upstream, model, atMs: rounded(triedMs), outcome, error: error?.code ?? null }];
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
