/**
 * Options of Ollama's own dialect that are fixed when a model is loaded: a request with another value makes Ollama load
 * the model anew, for every caller.
 */
export const reloadOptions: ReadonlySet<string> = new Set([
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'num_keep',
  'numa',
  'low_vram',
  'use_mmap',
  'use_mlock',
  'vocab_only',
  'f16_kv',
  'logits_all',
  'embedding_only',
  'draft_num_predict',
]);

export interface NormalisedBody {
  readonly body: Readonly<Record<string, unknown>>;
  /** What was taken out, such as `options.num_ctx`; empty when the body is as it was. */
  readonly removed: readonly string[];
}

/**
 * A body of Ollama's own dialect without what would reload the model, or unload it under other callers (`keep_alive`).
 * The same object when there is nothing to take out.
 */
export function withoutReloadOptions(body: Readonly<Record<string, unknown>>): NormalisedBody {
  const { options } = body;
  const removed: string[] = [];
  const kept: Record<string, unknown> = { ...body };
  if (isRecord(options)) {
    const keptOptions = Object.entries(options).filter(([name]) => {
      // Ollama knows its options in lower case only, yet decodes them without regard to case.
      const reloads = reloadOptions.has(name.toLowerCase());
      if (reloads) removed.push(`options.${name}`);
      return !reloads;
    });
    kept['options'] = Object.fromEntries(keptOptions);
  }
  for (const name of Object.keys(body)) {
    if (name.toLowerCase() !== 'keep_alive') continue;
    Reflect.deleteProperty(kept, name);
    removed.push(name);
  }
  return removed.length === 0 ? { body, removed } : { body: kept, removed };
}

/** What a model has to do with thinking aloud. */
export interface ThinkingFacts {
  /** Null where it is not known. */
  readonly thinks: boolean | null;
  readonly architecture: string | null;
}

/** The only models whose thinking has levels; for others Ollama refuses a request that names one. */
const withLevels: ReadonlySet<string> = new Set(['gptoss', 'gpt-oss']);

/**
 * A body of Ollama's own dialect whose `think` the model can heed. Thinking is a wish of the caller, and Ollama refuses
 * the whole request where the model has none. The same object when there is nothing to change.
 */
export function withHeededThink(
  body: Readonly<Record<string, unknown>>,
  { thinks, architecture }: ThinkingFacts,
): Readonly<Record<string, unknown>> {
  const { think } = body;
  if (think === undefined || think === false) return body;
  if (thinks !== true) return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'think'));
  return think === true || withLevels.has(architecture ?? '') ? body : { ...body, think: true };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
