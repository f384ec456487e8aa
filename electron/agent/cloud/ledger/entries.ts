import type { ChargeReserved, ChargeSettled, RequestEntry } from '../ledger-port.ts';

/** A finished request as it is written: the trace without its candidates, tries and texts. */
export interface RequestRow {
  readonly trace: string;
  readonly atMs: number;
  readonly node: string;
  readonly key: string | null;
  readonly persona: string | null;
  readonly operation: string;
  readonly dialect: string;
  readonly requestedModel: string;
  readonly model: string | null;
  readonly route: string;
  readonly upstream: string | null;
  readonly reason: string;
  readonly priority: string;
  readonly state: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly queuedMs: number;
  readonly ttftMs: number | null;
  readonly durationMs: number;
  readonly tokensPerSecond: number | null;
  /** Fresh prompt tokens; the four kinds never overlap. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  /** Of the output. */
  readonly reasoningTokens: number;
  /** Nanodollars. */
  readonly equivalent: number | null;
}

/** What happens to the ledger; each is one line of the journal. */
export type JournalEntry =
  /** `leased`: it went out before it was in the database, under the lease. */
  | { readonly kind: 'reserve'; readonly charge: ChargeReserved; readonly leased: boolean }
  /** `of`: what it settles, once more, so that it can be booked even where the reservation was lost with a database. */
  | { readonly kind: 'settle'; readonly charge: ChargeSettled; readonly of: ChargeReserved | null }
  /** `atMs`: by the machine's clock. */
  | { readonly kind: 'release'; readonly id: string; readonly atMs: number }
  | { readonly kind: 'request'; readonly row: RequestRow }
  | { readonly kind: 'remember'; readonly name: string; readonly value: string }
  /** Says nothing; whether it can be written is what is asked. */
  | { readonly kind: 'probe' };

/** An entry with its place in the journal of its run. */
export interface NumberedEntry {
  readonly seq: number;
  readonly entry: JournalEntry;
}

const longestName = 200;

/** What of a finished request is kept. */
export function requestRow({ trace, node, equivalent }: RequestEntry): RequestRow {
  const cached = whole(trace.cachedTokens);
  const written = whole(trace.cacheWriteTokens);
  const atMs = Date.parse(trace.at);
  return {
    trace: trace.trace,
    atMs: Number.isFinite(atMs) ? atMs : 0,
    node,
    key: short(trace.key),
    persona: short(trace.persona),
    operation: trace.operation,
    dialect: trace.dialect,
    requestedModel: trace.requestedModel.slice(0, longestName),
    model: short(trace.model),
    route: trace.route,
    upstream: short(trace.upstream),
    reason: trace.reason,
    priority: trace.priority,
    state: trace.state,
    status: trace.status,
    error: trace.error,
    queuedMs: Math.round(trace.queuedMs),
    ttftMs: trace.ttftMs,
    durationMs: trace.durationMs,
    tokensPerSecond: trace.tokensPerSecond,
    inputTokens: Math.max(0, whole(trace.promptTokens) - cached - written),
    cachedTokens: cached,
    cacheWriteTokens: written,
    outputTokens: whole(trace.completionTokens),
    reasoningTokens: whole(trace.reasoningTokens),
    equivalent: equivalent === null ? null : whole(equivalent),
  };
}

function whole(figure: number | null): number {
  return figure === null || !Number.isFinite(figure) ? 0 : Math.max(0, Math.round(figure));
}

/** Names come from callers and settings; a ledger keeps no essays. */
function short(name: string | null): string | null {
  return name === null ? null : name.slice(0, longestName);
}
