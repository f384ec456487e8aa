import type { Dialect } from '../../inference/request.ts';
import type { ServedModel, UpstreamDescription } from '../../inference/upstream.ts';
import { isObject, type Json } from '../dialects/json.ts';
import type { Query } from '../dialects/query.ts';
import type { Decoded } from '../dialects/surface.ts';

/** What is known of a request when its body is made for an upstream. */
export interface Outgoing {
  readonly decoded: Decoded;
  /** As the caller and its persona ask; for peers and providers. */
  readonly query: Query;
  /** The same, evened out for the caches of this machine's engines. */
  readonly localQuery: Query;
  /** The caller named a persona: what it sent is not what is asked. */
  readonly hasPersona: boolean;
  readonly rawHeaders: readonly string[];
  /** Longest answer of a caller who names no limit, tokens. */
  readonly maxOutputTokens: number;
}

/** The caller's dialect where the upstream speaks it, for then nothing has to be translated. */
export function dialectFor(caller: Dialect, upstream: Pick<UpstreamDescription, 'dialects'>): Dialect {
  return upstream.dialects.includes(caller) ? caller : (upstream.dialects[0] ?? 'openai');
}

/**
 * Whether a provider gets the body as the caller sent it, but for the model's name and what would cost more. None of
 * Ollama's dialect does: its bytes are keys of no cache, and how long an answer may be stands deep in its options.
 */
export function goesAsReceived({ decoded, hasPersona }: Outgoing, upstream: UpstreamDescription): boolean {
  const { dialect } = decoded.surface;
  const same = upstream.dialects.includes(dialect) && dialect !== 'ollama';
  return upstream.takesReceived === true && same && decoded.passes && !hasPersona;
}

/**
 * Longest answer that a provider can give to the request, tokens: the caller's limit, else the model's own, else that of
 * the settings and what may be thought, which then goes along. A body that is made here never asks for more than the model gives.
 */
export function answerLimit(outgoing: Outgoing, upstream: UpstreamDescription, model: ServedModel): number {
  const { query, maxOutputTokens } = outgoing;
  if (query.operation === 'embedding') return 0;
  const most = model.maxOutputTokens ?? null;
  const ours = Math.min(maxOutputTokens, model.contextLength ?? maxOutputTokens);
  if (goesAsReceived(outgoing, upstream)) {
    const limit = receivedLimit(outgoing) ?? query.maxTokens ?? most;
    // What is sent along holds, so nothing lifts it; what the caller lets be thought comes on top.
    const answer = limit === null ? ours + thinkingBudget(outgoing) : withThinking(limit, outgoing, model);
    return answer + budgetBeside(outgoing);
  }
  return Math.min(query.maxTokens ?? ours, most ?? Number.POSITIVE_INFINITY);
}

/** The greatest of the limits in a body that goes out as it came: some providers know but one of the two names. */
function receivedLimit({ decoded }: Outgoing): number | null {
  const { max_tokens: older, max_completion_tokens: newer } = decoded.received;
  const told = [older, newer].filter((limit) => typeof limit === 'number');
  return told.length === 0 ? null : Math.max(...told);
}

/**
 * A budget for thinking is part of the limit, unless it is no smaller: where providers take such a request at all, as
 * Anthropic does for thinking between calls of tools, only the model's context ends it ("Extended thinking").
 */
function withThinking(limit: number, outgoing: Outgoing, { contextLength }: ServedModel): number {
  const budget = thinkingBudget(outgoing);
  return budget < limit ? limit : Math.max(limit + budget, contextLength ?? 0);
}

/** Tokens; 0 where the caller names none. */
function thinkingBudget({ decoded }: Outgoing): number {
  const { thinking, reasoning } = decoded.received;
  return Math.max(numberIn(thinking, 'budget_tokens'), numberIn(reasoning, 'max_tokens'));
}

/** Some providers that take these do not count thinking within the limit; tokens. */
function budgetBeside({ decoded }: Outgoing): number {
  const { received } = decoded;
  return Math.max(numberIn(received, 'thinking_budget'), numberIn(received, 'thinking_token_budget'));
}

function numberIn(value: Json | undefined, name: string): number {
  const number = isObject(value) ? value[name] : null;
  return typeof number === 'number' && number > 0 ? number : 0;
}
