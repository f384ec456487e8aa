import type { Operation } from './request.ts';
import type { FinishReason } from './usage.ts';

/** What one good answer told of the model that gave it. Tokens are by the upstream's own count; null: not told. */
export interface AnswerMeasurement {
  readonly upstreamId: string;
  /** The model as the upstream names it. */
  readonly model: string;
  readonly operation: Operation;
  readonly promptTokens: number | null;
  /** Prompt tokens that came from the prefix cache. */
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
  /** Decode speed, by the engine's own clock where it tells, else by the arrival of the tokens. */
  readonly tokensPerSecond: number | null;
  /**
   * Speed of reading what was not cached, by the engine's own clock where it tells, else by the time to the first token.
   * Null where neither says anything: the request waited for a place or a model, or the engine does not tell what came
   * from its cache.
   */
  readonly prefillTokensPerSecond: number | null;
  /** From the request's arrival to the first token; null for answers that are not streamed. */
  readonly ttftMs: number | null;
  /** The caller's limit; null when it named none. */
  readonly maxTokens: number | null;
  readonly finish: FinishReason | null;
}
