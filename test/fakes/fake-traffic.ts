import { type QueryAnswer } from '../../electron/contract/control.ts';
import { policySchema, type KeyRow, type PolicyInput } from '../../electron/contract/keys.ts';
import { type SessionRow, type Trace, type TraceCandidate } from '../../electron/contract/trace.ts';
import { type Ago } from './fake-control-data.ts';

const minute = 60_000;

export function fakeCandidate(over: Partial<TraceCandidate> & Pick<TraceCandidate, 'upstream'>): TraceCandidate {
  return {
    model: 'falcon3-10b-instruct',
    route: 'local',
    verdict: 'planned',
    reason: 'local-idle',
    sentence: 'A slot is free and the model is in memory.',
    estimate: {
      waitMs: 0,
      loadMs: 0,
      prefillMs: 310,
      ttftMs: 370,
      serviceMs: 12_400,
      promptTokens: 512,
      cachedTokens: 460,
      lostCacheTokens: 0,
      worstUsd: 0,
    },
    ...over,
  };
}

/** A decision of a node with an embedded engine; each test says what matters to it. */
export function fakeTrace(over: Partial<Trace> & Pick<Trace, 'trace' | 'at'>): Trace {
  return {
    dialect: 'openai',
    surface: 'chat-completions',
    operation: 'chat',
    stream: true,
    requestedModel: 'falcon3-10b-instruct',
    persona: null,
    key: null,
    from: '127.0.0.1',
    priority: 'normal',
    ceiling: 'cloud',
    session: null,
    promptRules: [],
    ignored: [],
    needs: [],
    candidates: [fakeCandidate({ upstream: 'embedded' })],
    attempts: [{ upstream: 'embedded', model: 'falcon3-10b-instruct', atMs: 1.2, outcome: 'answered', error: null }],
    saturation: 0.25,
    level: 'calm',
    cause: '',
    state: 'done',
    status: 200,
    error: null,
    route: 'local',
    upstream: 'embedded',
    model: 'falcon3-10b-instruct',
    reason: 'local-idle',
    translatedFrom: null,
    queuedMs: 0,
    ttftMs: 412,
    durationMs: 12_800,
    promptTokens: 512,
    cachedTokens: 460,
    completionTokens: 218,
    tokensPerSecond: 17.6,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costUsd: 0,
    retryAfterS: null,
    ...over,
  };
}

/** A busy hour: one decision that has everything, one that failed, and many plain ones; the latest first. */
export function fakeTraces(ago: Ago): Trace[] {
  const model = 'falcon3-10b-instruct';
  const rich = fakeTrace({
    trace: 't-04',
    at: ago(31_000),
    dialect: 'anthropic',
    surface: 'messages',
    key: 'claude-code',
    from: '192.168.1.24',
    requestedModel: 'claude-haiku',
    priority: 'high',
    ceiling: 'ranch',
    session: 's-7d21',
    needs: ['tools'],
    ignored: ['metadata', 'thinking'],
    promptRules: ['currentTime'],
    translatedFrom: 'openai',
    queuedMs: 940,
    ttftMs: 1_620,
    promptTokens: 8_412,
    cachedTokens: 7_900,
    completionTokens: 96,
    durationMs: 5_900,
    reason: 'fallback',
    saturation: 0.81,
    level: 'busy',
    cause: '2 requests wait for 4 slots',
    candidates: [
      fakeCandidate({
        upstream: 'llama-server',
        model: 'llama3.1-8b-instruct-q8_0',
        reason: 'local-cached',
        sentence: 'This chat’s prompt is in its cache, so it begins soonest.',
      }),
      fakeCandidate({
        upstream: 'embedded',
        model,
        reason: 'local-queue',
        sentence: 'Its slots are in use; one is expected to be free in 0.8 s.',
        estimate: {
          waitMs: 800,
          loadMs: 0,
          prefillMs: 2_900,
          ttftMs: 3_760,
          serviceMs: 8_600,
          promptTokens: 8_300,
          cachedTokens: 0,
          lostCacheTokens: 7_900,
          worstUsd: 0,
        },
      }),
      fakeCandidate({
        upstream: 'openrouter',
        model: 'haiku',
        route: 'cloud',
        verdict: 'rejected',
        reason: 'ceiling',
        sentence: 'The request may go no further than the ranch.',
        estimate: null,
      }),
    ],
    attempts: [
      {
        upstream: 'llama-server',
        model: 'llama3.1-8b-instruct-q8_0',
        atMs: 1.4,
        outcome: 'failed',
        error: 'engine_failed',
      },
      { upstream: 'embedded', model, atMs: 42, outcome: 'answered', error: null },
    ],
  });
  const refused = fakeTrace({
    trace: 't-03',
    at: ago(75_000),
    requestedModel: 'gpt-5',
    state: 'failed',
    status: 404,
    error: 'model_not_found',
    route: 'none',
    upstream: null,
    model: null,
    reason: 'unknown-model',
    candidates: [],
    attempts: [],
    queuedMs: 0,
    ttftMs: null,
    durationMs: 1.2,
    promptTokens: null,
    cachedTokens: null,
    completionTokens: null,
    tokensPerSecond: null,
  });
  const plain = Array.from({ length: 70 }, (_, index) =>
    fakeTrace({
      trace: `t-old-${index}`,
      at: ago((30 + index) * minute),
      key: index % 3 === 0 ? 'aider' : null,
      dialect: index % 2 === 0 ? 'openai' : 'ollama',
      session: index % 3 === 0 ? 's-aider' : null,
    }),
  );
  return [rich, refused, ...plain];
}

/** The answer of the query `traces`, filtered and paged as the agent does. */
export function pickTraces(all: readonly Trace[], query: Readonly<Record<string, unknown>>): QueryAnswer<'traces'> {
  const { limit, before, model, ...same } = query;
  const fit = all.filter(
    (trace) =>
      Object.entries(same).every(
        ([name, value]) =>
          value === undefined || Object.entries(trace).some(([own, is]) => own === name && is === value),
      ) &&
      (model === undefined || trace.model === model || trace.requestedModel === model),
  );
  const from = before === undefined ? 0 : all.findIndex(({ trace }) => trace === before) + 1;
  const older = new Set(all.slice(from));
  return { traces: fit.filter((trace) => older.has(trace)).slice(0, Number(limit)), total: fit.length };
}

export function fakeSessions(ago: Ago): SessionRow[] {
  const row = (over: Partial<SessionRow> & Pick<SessionRow, 'id' | 'lastAt'>): SessionRow => ({
    key: null,
    upstream: 'embedded',
    model: 'falcon3-10b-instruct',
    requests: 12,
    promptTokens: 94_000,
    cachedTokens: 88_200,
    ...over,
  });
  return [
    row({ id: 's-7d21', lastAt: ago(31_000), key: 'claude-code', requests: 41 }),
    row({ id: 's-aider', lastAt: ago(30 * minute), key: 'aider', upstream: 'ollama', cachedTokens: null }),
  ];
}

export function fakeKey(
  over: Partial<Omit<KeyRow, 'policy'>> & Pick<KeyRow, 'id' | 'name' | 'createdAt'>,
  policy: PolicyInput = {},
): KeyRow {
  return {
    prefix: 'rh-4fK2',
    scope: 'inference',
    policy: policySchema.parse(policy),
    lastUsedAt: null,
    lastUsedFrom: null,
    revokedAt: null,
    requestsTotal: 0,
    tokensTotal: 0,
    ...over,
  };
}

export function fakeKeys(ago: Ago): KeyRow[] {
  return [
    fakeKey(
      {
        id: 'k-1',
        name: 'claude-code',
        createdAt: ago(9 * 24 * 60 * minute),
        lastUsedAt: ago(31_000),
        lastUsedFrom: '192.168.1.24',
        requestsTotal: 4_120,
        tokensTotal: 8_812_400,
      },
      {
        defaultModel: 'falcon3-10b-instruct',
        ceiling: 'ranch',
        requestsPerMinute: 120,
        models: ['falcon3-*', 'claude-haiku'],
      },
    ),
    fakeKey({ id: 'k-2', name: 'aider', createdAt: ago(40 * minute), prefix: 'rh-9sQx' }),
    fakeKey({
      id: 'k-0',
      name: 'old-laptop',
      createdAt: ago(60 * 24 * 60 * minute),
      revokedAt: ago(3 * 24 * 60 * minute),
    }),
  ];
}
