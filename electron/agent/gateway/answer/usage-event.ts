import { assertNever } from '../../base/errors.ts';
import type { Dialect } from '../../inference/request.ts';
import { countsOfPasses, greater, modelsOfPasses } from '../dialects/anthropic/told-passes.ts';
import { isInRegion } from '../dialects/anthropic/told-region.ts';
import { answerTokens, billedUsdIn } from '../dialects/openai/figures.ts';
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

/** Pieces of an answer that may tell something: events' lines or the end of a plain answer; they need not be whole JSON. */
export interface FigureTexts {
  /** The last piece with usage in it. */
  readonly usage: string;
  /** The first one. */
  readonly first: string;
  readonly timings: string;
  /** The beginning of a plain answer, where some providers tell the usage. */
  readonly lead?: string;
}

/** Reads what an answer of that dialect told: the object or the number after each key is cut out of the texts. */
export function readFigures(dialect: Dialect, texts: FigureTexts): UpstreamFigures {
  switch (dialect) {
    case 'openai':
      return fromOpenAi(texts);
    case 'anthropic':
      return { ...nothing, usage: fromAnthropic(objectAfter(texts.first, 'usage'), lastUsage(texts)) };
    case 'ollama':
      return fromOllama(texts.usage);
    default:
      return assertNever(dialect);
  }
}

/**
 * Whether the last piece with usage in it does not count the answer: in Anthropic's dialect that of the beginning, and one
 * without a count.
 */
export function isEarlyCount(dialect: Dialect, usage: string): boolean {
  if (dialect !== 'anthropic') return false;
  return usage.includes('"message_start"') || count(objectAfter(usage, 'usage')?.['output_tokens']) === null;
}

const nothing: UpstreamFigures = { usage: null, decodeMs: null, decodedTokens: null, prefillTokensPerSecond: null };

/** OpenAI's `usage` and llama.cpp's `timings`. */
function fromOpenAi(texts: FigureTexts): UpstreamFigures {
  const timings = objectAfter(texts.timings, 'timings');
  return {
    usage: fromUsage(lastUsage(texts)) ?? fromTimings(timings),
    decodeMs: count(timings?.['predicted_ms']),
    decodedTokens: count(timings?.['predicted_n']),
    prefillTokensPerSecond: prefillSpeed(timings),
  };
}

/**
 * The prompt is told when the answer begins, its length at the end; Anthropic counts cached tokens apart, and passes over
 * the prompt that are billed beside the answer's own.
 */
function fromAnthropic(first: Record<string, unknown> | null, last: Record<string, unknown> | null): Usage | null {
  const told: Record<string, unknown> = { ...first, ...withoutNulls(last) };
  // Some servers fill the place with 0 where they do not count again.
  if (told['input_tokens'] === 0) told['input_tokens'] = first?.['input_tokens'] ?? 0;
  const passes = countsOfPasses(told);
  const models = modelsOfPasses(told);
  const completionTokens = greater(count(told['output_tokens']), passes?.output_tokens);
  const uncached = greater(count(told['input_tokens']), passes?.input_tokens);
  if (completionTokens === null || uncached === null) return null;
  const cachedTokens = greater(count(told['cache_read_input_tokens']), passes?.cache_read_input_tokens);
  const cacheWriteTokens = greater(count(told['cache_creation_input_tokens']), passes?.cache_creation_input_tokens);
  const promptTokens = uncached + (cachedTokens ?? 0) + (cacheWriteTokens ?? 0);
  const hour = greater(
    numberIn(told['cache_creation'], 'ephemeral_1h_input_tokens'),
    passes?.ephemeral_1h_input_tokens,
  );
  return {
    promptTokens,
    completionTokens,
    cachedTokens,
    cacheWriteTokens,
    ...(hour === null ? {} : { hourCacheWriteTokens: hour }),
    ...(models.length === 0 ? {} : { models }),
    ...(isInRegion(told) ? { inRegion: true } : {}),
  };
}

/** A count within an object that tells of parts. */
function numberIn(value: unknown, key: string): number | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields: Record<string, unknown> = { ...value };
  return count(fields[key]);
}

function withoutNulls(fields: Record<string, unknown> | null): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== null));
}

const nanosecondsPerMs = 1_000_000;

/** The counts stand at the end of the last line; of the prompt's time it is not told how much a cache saved. */
function fromOllama(text: string): UpstreamFigures {
  const promptTokens = numberAfter(text, 'prompt_eval_count');
  const decodedTokens = numberAfter(text, 'eval_count');
  const decodeNs = numberAfter(text, 'eval_duration');
  if (promptTokens === null && decodedTokens === null) return nothing;
  return {
    ...nothing,
    usage: { promptTokens: promptTokens ?? 0, completionTokens: decodedTokens ?? 0, cachedTokens: null },
    decodeMs: decodeNs === null ? null : decodeNs / nanosecondsPerMs,
    decodedTokens,
  };
}

/** The number after the last occurrence of a key. */
function numberAfter(text: string, key: string): number | null {
  const quoted = `"${key}"`;
  const found = text.lastIndexOf(quoted);
  const [, digits] = found === -1 ? [] : (/^\s*:\s*(\d{1,18})/.exec(text.slice(found + quoted.length)) ?? []);
  return digits === undefined ? null : Number(digits);
}

/** From the last reason in the text that is no null. */
export function readFinish(dialect: Dialect, text: string): FinishReason | null {
  let finish: FinishReason | null = null;
  for (const [, reason] of text.matchAll(finishForms[dialect])) {
    finish = reason === undefined ? finish : (finishReasons.get(reason) ?? null);
  }
  return finish;
}

const finishForms: Readonly<Record<Dialect, RegExp>> = {
  openai: /"finish_reason"\s*:\s*"([a-z_]{1,32})"/g,
  anthropic: /"stop_reason"\s*:\s*"([a-z_]{1,32})"/g,
  ollama: /"done_reason"\s*:\s*"([a-z_]{1,32})"/g,
};

const finishReasons: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool'],
  ['function_call', 'tool'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool'],
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
  const cached = numberIn(usage['prompt_tokens_details'], 'cached_tokens');
  const written = numberIn(usage['prompt_tokens_details'], 'cache_write_tokens');
  const reasoning = numberIn(usage['completion_tokens_details'], 'reasoning_tokens');
  const told = count(usage['completion_tokens']) ?? 0;
  const billedUsd = billedUsdIn(usage);
  return {
    promptTokens,
    completionTokens: answerTokens(told, promptTokens, count(usage['total_tokens'])),
    cachedTokens: cached,
    ...(written === null ? {} : { cacheWriteTokens: written }),
    ...(reasoning === null ? {} : { reasoningTokens: reasoning }),
    ...(billedUsd === null ? {} : { billedUsd }),
  };
}

function fromTimings(timings: Record<string, unknown> | null): Usage | null {
  const read = count(timings?.['prompt_n']);
  const completionTokens = count(timings?.['predicted_n']);
  if (read === null || completionTokens === null) return null;
  const cachedTokens = count(timings?.['cache_n']);
  return { promptTokens: read + (cachedTokens ?? 0), completionTokens, cachedTokens };
}

/** The answer's own at its beginning goes before what its end may hold of others'. */
function lastUsage({ lead = '', usage }: FigureTexts): Record<string, unknown> | null {
  return outerObject(lead, 'usage') ?? objectAfter(usage, 'usage');
}

/** The object of a key that is the outermost object's own; `text` begins where the JSON does and may be cut. */
function outerObject(text: string, key: string): Record<string, unknown> | null {
  const quoted = `"${key}"`;
  if (!text.includes(quoted)) return null;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === '"') {
      const found = depth === 1 && text.startsWith(quoted, at) ? valueObject(text, at + quoted.length) : null;
      if (found) return found;
      at = endOfString(text, at);
    }
  }
  return null;
}

/** Place of the quote that ends the string which begins at `start`; the text's end where that is cut off. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

/** The object after the last occurrence of a key. */
function objectAfter(text: string, key: string): Record<string, unknown> | null {
  const quoted = `"${key}"`;
  const found = text.lastIndexOf(quoted);
  return found === -1 ? null : valueObject(text, found + quoted.length);
}

/** The object that follows a key which ends before `from`; null for another value, and for one that is cut. */
function valueObject(text: string, from: number): Record<string, unknown> | null {
  const start = text.indexOf('{', from);
  if (start === -1 || !/^\s*:\s*$/.test(text.slice(from, start))) return null;
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
