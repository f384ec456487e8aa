import { type ActivityEntry } from '../../electron/contract/snapshot.ts';
import { type Trace } from '../../electron/contract/trace.ts';
import { formatMoney } from './money.ts';
import { formatCount, unknown } from './numbers.ts';
import { parseTime } from './time.ts';

/** One request of the list, from the store of decisions or, while it is fresh, from the event stream. */
export interface TrafficRow {
  readonly trace: string;
  readonly at: string;
  readonly dialect: ActivityEntry['dialect'];
  readonly operation: ActivityEntry['operation'];
  readonly stream: boolean;
  /** Name of the key; null for callers without one. */
  readonly key: string | null;
  /** As the caller named it; empty where it named none. */
  readonly asked: string;
  /** What answered; null where nothing did, and where it is not known yet. */
  readonly answered: string | null;
  readonly route: ActivityEntry['route'];
  readonly upstream: string | null;
  readonly reason: string;
  readonly state: ActivityEntry['state'];
  readonly status: number | null;
  readonly error: string | null;
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
  readonly ttftMs: number | null;
  readonly tokensPerSecond: number | null;
  /** Dollars; null while it is not known. */
  readonly costUsd: number | null;
  /** Whether it comes from the store: such a row is complete. */
  readonly kept: boolean;
}

export function rowOfTrace(trace: Trace): TrafficRow {
  const { requestedModel: asked, model: answered, costUsd, ...rest } = trace;
  return { ...picked(rest), asked, answered, costUsd, kept: true };
}

export function rowOfActivity(entry: ActivityEntry): TrafficRow {
  return { ...picked(entry), asked: entry.model, answered: null, costUsd: null, kept: false };
}

type Common = Omit<TrafficRow, 'asked' | 'answered' | 'costUsd' | 'kept'>;

function picked(from: Common): Common {
  const { trace, at, dialect, operation, stream, key, route, upstream, reason, state, status, error } = from;
  const { promptTokens, cachedTokens, completionTokens, ttftMs, tokensPerSecond } = from;
  const what = { trace, at, dialect, operation, stream, key, route, upstream, reason, state, status, error };
  return { ...what, promptTokens, cachedTokens, completionTokens, ttftMs, tokensPerSecond };
}

/** What the list is narrowed to; all that is given must fit. */
export interface TrafficFilter {
  readonly key?: string;
  readonly model?: string;
  readonly route?: TrafficRow['route'];
  readonly state?: 'done' | 'failed' | 'aborted';
  readonly dialect?: TrafficRow['dialect'];
  readonly session?: string;
}

/** The filter with one part changed; an empty text takes the part away. */
export function narrowed(filter: TrafficFilter, name: keyof TrafficFilter, value: string): TrafficFilter {
  const params = new URLSearchParams({ ...filter });
  params.set(name, value);
  return filterOf(params.toString());
}

const choices = {
  route: ['local', 'peer', 'cloud', 'none'],
  state: ['done', 'failed', 'aborted'],
  dialect: ['openai', 'anthropic', 'ollama'],
} as const;

/** The filter that an address carries; what is not understood narrows nothing. */
export function filterOf(search: string): TrafficFilter {
  const params = new URLSearchParams(search);
  const text = (name: string, longest: number): string | undefined => {
    const value = params.get(name)?.trim();
    return value === undefined || value === '' ? undefined : value.slice(0, longest);
  };
  const [key, model, session] = [text('key', 64), text('model', 500), text('session', 64)];
  const route = choices.route.find((one) => one === params.get('route'));
  const state = choices.state.find((one) => one === params.get('state'));
  const dialect = choices.dialect.find((one) => one === params.get('dialect'));
  return {
    ...(key === undefined ? {} : { key }),
    ...(model === undefined ? {} : { model }),
    ...(route === undefined ? {} : { route }),
    ...(state === undefined ? {} : { state }),
    ...(dialect === undefined ? {} : { dialect }),
    ...(session === undefined ? {} : { session }),
  };
}

/** The address of the list narrowed so. */
export function trafficAddress(filter: TrafficFilter): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) params.set(name, String(value));
  const search = params.toString();
  return search === '' ? '#/traffic' : `#/traffic?${search}`;
}

/** The address of one request. */
export function traceAddress(trace: string): string {
  return `#/traffic/${encodeURIComponent(trace)}`;
}

/** Whether a fresh request belongs into the list. Nothing fresh does where a chat is asked for: news do not name it. */
export function fits(row: TrafficRow, filter: TrafficFilter): boolean {
  return (
    filter.session === undefined &&
    (filter.key === undefined || row.key === filter.key) &&
    (filter.model === undefined || row.asked === filter.model || row.answered === filter.model) &&
    (filter.route === undefined || row.route === filter.route) &&
    (filter.state === undefined || row.state === filter.state) &&
    (filter.dialect === undefined || row.dialect === filter.dialect)
  );
}

/**
 * Both lists as one, the latest arrival first, each request once: what the store keeps of it goes before what the news
 * said, and newer news before older ones.
 */
export function mergeRows(before: readonly TrafficRow[], more: readonly TrafficRow[]): readonly TrafficRow[] {
  const rows = new Map(before.map((row) => [row.trace, row]));
  for (const row of more) {
    if (row.kept || rows.get(row.trace)?.kept !== true) rows.set(row.trace, row);
  }
  return [...rows.values()].toSorted((one, other) => (parseTime(other.at) ?? 0) - (parseTime(one.at) ?? 0));
}

/** Tokens of a request: "512, 480 cached → 96". */
export function tokenWords(
  row: Pick<TrafficRow, 'promptTokens' | 'cachedTokens' | 'completionTokens'>,
): { readonly prompt: string; readonly cached: string | null; readonly answer: string } | null {
  const { promptTokens, cachedTokens, completionTokens } = row;
  if (promptTokens === null && completionTokens === null) return null;
  const cached = cachedTokens === null || cachedTokens === 0 ? null : `${formatCount(cachedTokens)} cached`;
  return { prompt: formatCount(promptTokens), cached, answer: formatCount(completionTokens) };
}

/** A model as the caller named it; many name none. */
export function askedWords(asked: string): string {
  return asked === '' ? 'no model by name' : asked;
}

const dialects: Readonly<Record<ActivityEntry['dialect'], string>> = {
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  ollama: 'Ollama',
};

export function dialectName(dialect: ActivityEntry['dialect']): string {
  return dialects[dialect];
}

/** Dollars of one request: "free", "$0.0021", "$1.40". */
export function formatDollars(usd: number | null): string {
  if (usd === null || !Number.isFinite(usd)) return unknown;
  return usd === 0 ? 'free' : formatMoney(usd);
}
