import type { Dialect } from '../../inference/request.ts';
import type { UpstreamDescription } from '../../inference/upstream.ts';
import { headerValues } from '../../base/local-request.ts';
import { upstreamDialectNamed } from '../dialects/dialects.ts';
import type { JsonObject } from '../dialects/json.ts';
import type { Query } from '../dialects/query.ts';
import type { Decoded, UpstreamDialect } from '../dialects/surface.ts';
import type { PlannedCandidate } from '../routing/plan.ts';

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

export interface Encoded {
  readonly dialect: Dialect;
  readonly body: Buffer;
  /** Whether the answer's bytes may go to the caller as they are. */
  readonly passes: boolean;
  /** The upstream is asked to stream what the caller wants whole. */
  readonly gathered: boolean;
  /** The body is the caller's own, but for the model's name: nothing of it was dropped. */
  readonly untouched: boolean;
  /** Names of what was left out on the way. */
  readonly leftOut: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

const none: JsonObject = {};

/** The request as the candidate's upstream is asked: in the caller's dialect where it speaks that, else in its own first. */
export function encodeFor(outgoing: Outgoing, { upstream, model }: PlannedCandidate): Encoded {
  const { decoded } = outgoing;
  const dialect = dialectFor(decoded.surface.dialect, upstream);
  const same = dialect === decoded.surface.dialect;
  if (upstream.takesReceived === true && same && decoded.passes && !outgoing.hasPersona) {
    const body = Buffer.from(JSON.stringify({ ...decoded.received, model: model.id }), 'utf8');
    return {
      dialect,
      body,
      passes: true,
      gathered: false,
      untouched: true,
      leftOut: [],
      headers: passedHeaders(dialect, outgoing.rawHeaders),
    };
  }
  const chosen = upstream.route === 'local' ? outgoing.localQuery : outgoing.query;
  const passes = same && decoded.passes;
  const contextLength = model.contextLength ?? outgoing.maxOutputTokens;
  const bounded =
    upstream.route === 'cloud' ? chosen : limited(chosen, Math.min(outgoing.maxOutputTokens, contextLength));
  // Only what passes on unread must not have what its caller did not ask for.
  const target = upstreamDialectNamed[dialect];
  const gathered = !decoded.stream && upstream.noticesInStreams === true && mayBeGathered(bounded, target);
  const query = (passes && !gathered) || bounded.operation === 'embedding' ? bounded : tellingUsage(bounded);
  const extras = same ? decoded.extras : none;
  const body = target.encode(query, { model: model.id, stream: decoded.stream || gathered, extras });
  const left = same ? none : decoded.extras;
  const leftOut = [...Object.keys(left), ...target.unable(query)];
  return { dialect, body: Buffer.from(JSON.stringify(body), 'utf8'), passes, gathered, untouched: false, leftOut };
}

/**
 * Not with probabilities: a stream has none of tokens that wait for the rest of a character or of a call, and a whole
 * answer has them all.
 */
function mayBeGathered(query: Query, target: UpstreamDialect): boolean {
  return query.operation !== 'embedding' && query.logprobs === null && target.gatherer !== undefined;
}

/** The caller's dialect where the upstream speaks it, for then nothing has to be translated. */
function dialectFor(caller: Dialect, upstream: Pick<UpstreamDescription, 'dialects'>): Dialect {
  return upstream.dialects.includes(caller) ? caller : (upstream.dialects[0] ?? 'openai');
}

function limited(query: Query, maxTokens: number): Query {
  return query.operation === 'embedding' || query.maxTokens !== null ? query : { ...query, maxTokens };
}

function tellingUsage(query: Exclude<Query, { operation: 'embedding' }>): Query {
  return query.usageInStream === false ? { ...query, usageInStream: true } : query;
}

/** Headers of a caller that a provider of its own dialect gets; no other ever does. */
const passedOn: Readonly<Partial<Record<Dialect, readonly string[]>>> = {
  anthropic: ['anthropic-version', 'anthropic-beta'],
};
const headerForm = /^[\x20-\x7e]{1,2000}$/;

function passedHeaders(dialect: Dialect, rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passedOn[dialect] ?? []) {
    const value = headerValues(rawHeaders, name).join(', ');
    if (headerForm.test(value)) headers[name] = value;
  }
  return headers;
}
