import type { Usage } from '../inference/usage.ts';

/** What an upstream told of an answer. */
export interface UpstreamFigures {
  readonly usage: Usage | null;
  /** Time that decoding took by the engine's own clock; null when it did not say. */
  readonly decodeMs: number | null;
  /** Tokens that were decoded in that time; null when it did not say. */
  readonly decodedTokens: number | null;
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
  };
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
