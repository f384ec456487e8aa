import type { Usage } from '../../../inference/usage.ts';
import { isObject, type Json } from '../json.ts';
import { countsOfPasses, greater, modelsOfPasses } from './told-passes.ts';
import { isInRegion } from './told-region.ts';

/** Counts as the API told them so far; those of a stream come in two places and are of the whole message each time. */
export interface ToldUsage {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWritten: number | null;
  /** Of these, to be kept for an hour. */
  readonly cacheWrittenHour: number | null;
  readonly thought: number | null;
  /** Of the passes, where they are told. */
  readonly models: readonly string[];
  readonly inRegion: boolean;
}

export const nothingTold: ToldUsage = {
  input: null,
  output: null,
  cacheRead: null,
  cacheWritten: null,
  cacheWrittenHour: null,
  thought: null,
  models: [],
  inRegion: false,
};

/** What is told now, over what was told before. */
export function addTold(before: ToldUsage, usage: Json | undefined): ToldUsage {
  if (!isObject(usage)) return before;
  const details = usage['output_tokens_details'];
  const kept = usage['cache_creation'];
  const passes = countsOfPasses(usage);
  const models = modelsOfPasses(usage);
  const input = greater(count(usage['input_tokens']), passes?.input_tokens);
  const hour = isObject(kept) ? count(kept['ephemeral_1h_input_tokens']) : null;
  return {
    // Some servers fill the place with 0 where they do not count again.
    input: input === 0 ? (before.input ?? 0) : (input ?? before.input),
    output: greater(count(usage['output_tokens']), passes?.output_tokens) ?? before.output,
    cacheRead: greater(count(usage['cache_read_input_tokens']), passes?.cache_read_input_tokens) ?? before.cacheRead,
    cacheWritten:
      greater(count(usage['cache_creation_input_tokens']), passes?.cache_creation_input_tokens) ?? before.cacheWritten,
    cacheWrittenHour: greater(hour, passes?.ephemeral_1h_input_tokens) ?? before.cacheWrittenHour,
    thought: (isObject(details) ? count(details['thinking_tokens']) : null) ?? before.thought,
    models: models.length === 0 ? before.models : models,
    inRegion: before.inRegion || isInRegion(usage),
  };
}

/** Prompt tokens, those from or for a cache included; null when nothing was told. */
export function promptTokensOf(told: ToldUsage): number | null {
  const { input, cacheRead, cacheWritten } = told;
  if (input === null && cacheRead === null) return null;
  return (input ?? 0) + (cacheRead ?? 0) + (cacheWritten ?? 0);
}

/** Null when the upstream told no counts. */
export function usageOf(told: ToldUsage): Usage | null {
  const promptTokens = promptTokensOf(told);
  if (promptTokens === null && told.output === null) return null;
  return {
    promptTokens: promptTokens ?? 0,
    completionTokens: told.output ?? 0,
    cachedTokens: told.cacheRead,
    ...(told.cacheWritten !== null && { cacheWriteTokens: told.cacheWritten }),
    ...(told.cacheWrittenHour !== null && { hourCacheWriteTokens: told.cacheWrittenHour }),
    ...(told.thought !== null && { reasoningTokens: told.thought }),
    ...(told.models.length > 0 && { models: told.models }),
    ...(told.inRegion && { inRegion: true }),
  };
}

function count(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.trunc(value) : null;
}
