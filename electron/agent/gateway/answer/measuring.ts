import type { AnswerMeasurement } from '../../inference/measurement.ts';
import type { AnswerFigures } from '../../inference/usage.ts';
import type { DecodedRequest } from '../dialects/dialect.ts';
import type { Candidate } from '../routing/router.ts';

/** Below this, the first token's own time and the way there are too large a part of the time to it. */
const leastPrefillTokens = 64;
/** Whoever waited longer than this for its place says nothing about the speed of reading. */
const mostWaitedMs = 20;

/** What a good answer told of its model. */
export function measurementOf(
  decoded: DecodedRequest,
  candidate: Candidate,
  seen: { readonly figures: AnswerFigures; readonly waitedMs: number },
): AnswerMeasurement {
  const { figures, waitedMs } = seen;
  const { usage, tokensPerSecond, ttftMs, finish } = figures;
  const held = waitedMs > mostWaitedMs || candidate.reason !== 'local-idle';
  return {
    upstreamId: candidate.upstream.id,
    model: candidate.model,
    operation: decoded.operation,
    promptTokens: usage?.promptTokens ?? null,
    cachedTokens: usage?.cachedTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    tokensPerSecond,
    prefillTokensPerSecond: figures.prefillTokensPerSecond ?? (held ? null : prefillByArrival(figures)),
    ttftMs,
    maxTokens: decoded.maxTokens,
    finish,
  };
}

function prefillByArrival({ usage, ttftMs }: AnswerFigures): number | null {
  // Whatever came from a cache that is not told of would pass for speed.
  if (usage?.cachedTokens == null || ttftMs === null || ttftMs <= 0) return null;
  const read = usage.promptTokens - usage.cachedTokens;
  return read >= leastPrefillTokens ? (read * 1000) / ttftMs : null;
}
