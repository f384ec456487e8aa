/** Counts of all passes that a message took, as the API names them. */
export interface PassCounts {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
  /** Of those written to the cache, to be kept for an hour. */
  readonly ephemeral_1h_input_tokens: number;
}

/**
 * What the passes took together that made a message, where `usage.iterations` tells of them; null where it does not. All of
 * them are billed, and the counts beside leave out those that sum up a long chat ("Compaction").
 */
export function countsOfPasses(usage: Readonly<Record<string, unknown>>): PassCounts | null {
  const passes = passesIn(usage);
  if (passes.length === 0) return null;
  const sum = (of: (pass: Fields) => unknown): number => passes.reduce((all, pass) => all + count(of(pass)), 0);
  return {
    input_tokens: sum((pass) => pass['input_tokens']),
    output_tokens: sum((pass) => pass['output_tokens']),
    cache_read_input_tokens: sum((pass) => pass['cache_read_input_tokens']),
    cache_creation_input_tokens: sum((pass) => pass['cache_creation_input_tokens']),
    ephemeral_1h_input_tokens: sum((pass) => fieldsOf(pass['cache_creation'])?.['ephemeral_1h_input_tokens']),
  };
}

const mostModels = 16;

/**
 * Names of the models that made the passes, where they are told: a model that advises, or stands in, has a price of its own
 * (`advisor_message` in "Advisor tool").
 */
export function modelsOfPasses(usage: Readonly<Record<string, unknown>>): readonly string[] {
  const names = passesIn(usage).map((pass) => pass['model']);
  return [...new Set(names.filter((name) => typeof name === 'string'))].slice(0, mostModels);
}

/** Of a count and that of all passes, where they are told: the greater, null for none. Passes without any add none. */
export function greater(told: number | null, ofPasses: number | undefined): number | null {
  if (ofPasses === undefined || ofPasses === 0) return told;
  return Math.max(told ?? 0, ofPasses);
}

type Fields = Readonly<Record<string, unknown>>;

function passesIn(usage: Fields): Fields[] {
  const { iterations } = usage;
  const passes: readonly unknown[] = Array.isArray(iterations) ? iterations : [];
  return passes.map(fieldsOf).filter((pass) => pass !== null);
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.trunc(value) : 0;
}
