import type { FinishReason, Usage } from '../../inference/usage.ts';

/** What an upstream told of an answer. */
export interface UpstreamFigures {
  readonly usage: Usage | null;
  /** Time that decoding took by the engine's own clock; null when it did not say. */
  readonly decodeMs: number | null;
  /** Tokens that were decoded in that time; null when it did not say. */
  readonly decodedTokens: number | null;
  /** Speed of reading the part of the prompt that was not cached; null when it did not say. */
  readonly prefillTokensPerSecond: number | null;
}

/**
 * Reads OpenAI's `usage` and llama.cpp's `timings` out of events' lines or the end of a plain answer. The texts need not
 * be whole JSON: the object after each key is cut out of them.
 */
export function readUsage(usageText: string, timingsText: string): UpstreamFigures {
  const timings = objectAfter(timingsText, 'timings');
  return {
    usage: fromUsage(objectAfter(usageText, 'usage')) ?? fromTimings(timings),
    decodeMs: count(timings?.['predicted_ms']),
    decodedTokens: count(timings?.['predicted_n']),
    prefillTokensPerSecond: prefillSpeed(timings),
  };
}

/** From the last `finish_reason` in the text that is no null. */
export function readFinish(text: string): FinishReason | null {
  let finish: FinishReason | null = null;
  for (const [, reason] of text.matchAll(/"finish_reason"\s*:\s*"([a-z_]{1,32})"/g)) {
    finish = reason === undefined ? finish : (finishReasons.get(reason) ?? null);
  }
  return finish;
}

const finishReasons: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool'],
  ['function_call', 'tool'],
]);

/** Fewer tokens than this are read in one go with the first of the answer: their pace says nothing. */
const leastPrefillTokens = 16;

function prefillSpeed(timings: Record<string, unknown> | null): number | null {
  const tokens = count(timings?.['prompt_n']);
  const tookMs = count(timings?.['prompt_ms']);
  if (tokens === null || tookMs === null || tookMs === 0 || tokens < leastPrefillTokens) return null;
  return (tokens * 1000) / tookMs;
}

function fromUsage(usage: Record<string, unknown> | null): Usage | null {
  const promptTokens = count(usage?.['prompt_tokens']);
  // Embeddings have no completion tokens at all.
  if (!usage || promptTokens === null) return null;
  const details = usage['prompt_tokens_details'];
  const cached =
    typeof details === 'object' && details !== null && 'cached_tokens' in details ? details.cached_tokens : null;
  return { promptTokens, completionTokens: count(usage['completion_tokens']) ?? 0, cachedTokens: count(cached) };
}

function fromTimings(timings: Record<string, unknown> | null): Usage | null {
  const read = count(timings?.['prompt_n']);
  const completionTokens = count(timings?.['predicted_n']);
  if (read === null || completionTokens === null) return null;
  const cachedTokens = count(timings?.['cache_n']);
  return { promptTokens: read + (cachedTokens ?? 0), completionTokens, cachedTokens };
}

function objectAfter(text: string, key: string): Record<string, unknown> | null {
  const quoted = `"${key}"`;
  const found = text.lastIndexOf(quoted);
  if (found === -1) return null;
  const start = text.indexOf('{', found + quoted.length);
  if (start === -1 || !/^\s*:\s*$/.test(text.slice(found + quoted.length, start))) return null;
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return parseObject(text.slice(start, at + 1));
  }
  return null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
