import type { AnswerMeasurement } from '../../inference/measurement.ts';
import type { AnswerFigures } from '../../inference/usage.ts';
import type { Query } from '../dialects/query.ts';
import type { PlannedCandidate } from '../routing/plan.ts';

/** Below this, the first token's own time and the way there are too large a part of the time to it. */
const leastPrefillTokens = 64;
/** Whoever waited longer than this for its place says nothing about the speed of reading. */
const mostWaitedMs = 20;

/** What a good answer told of its model. `alone`: nothing held the request up but the prompt itself. */
export function measurementOf(
  query: Query,
  candidate: PlannedCandidate,
  seen: { readonly figures: AnswerFigures; readonly waitedMs: number; readonly firstTry: boolean },
): AnswerMeasurement {
  const { figures, waitedMs, firstTry } = seen;
  const { usage, tokensPerSecond, ttftMs, finish } = figures;
  const { upstream, model, reason } = candidate;
  const straight = reason === 'local-idle' || reason === 'local-cached' || reason === 'local-routine';
  const held = waitedMs > mostWaitedMs || !straight || !firstTry || !model.loaded;
  return {
    upstreamId: upstream.id,
    model: model.id,
    operation: query.operation,
    promptTokens: usage?.promptTokens ?? null,
    cachedTokens: usage?.cachedTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    tokensPerSecond,
    prefillTokensPerSecond: figures.prefillTokensPerSecond ?? (held ? null : prefillByArrival(figures)),
    ttftMs,
    maxTokens: query.operation === 'embedding' ? null : query.maxTokens,
    finish,
  };
}

function prefillByArrival({ usage, ttftMs }: AnswerFigures): number | null {
  // Whatever came from a cache that is not told of would pass for speed.
  if (usage?.cachedTokens == null || ttftMs === null || ttftMs <= 0) return null;
  const read = usage.promptTokens - usage.cachedTokens;
  return read >= leastPrefillTokens ? (read * 1000) / ttftMs : null;
}
