import { reloadOptions } from '../../../inference/ollama-body.ts';
import type { Sampling } from '../query.ts';
import { integer, invalidField, list, number, string, type Rule } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';

/** What `options` of a request ask for. */
export interface ReadOptions {
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  /** Null for no limit, as −1 and −2 say there. */
  readonly maxTokens: number | null;
  /** Options that an Ollama knows and no other dialect has. */
  readonly others: JsonObject;
  /** Options that take no effect, such as `options.num_ctx`. */
  readonly ignored: readonly string[];
}

const tokenLimit = 10_000_000;

const samplingRules: Readonly<Record<string, { readonly as: Exclude<keyof Sampling, 'logitBias'>; rule: Rule }>> = {
  temperature: { as: 'temperature', rule: number(0, 2) },
  top_p: { as: 'topP', rule: number(0, 1) },
  top_k: { as: 'topK', rule: integer(-1, 100_000) },
  min_p: { as: 'minP', rule: number(0, 1) },
  seed: { as: 'seed', rule: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) },
  presence_penalty: { as: 'presencePenalty', rule: number(-2, 2) },
  frequency_penalty: { as: 'frequencyPenalty', rule: number(-2, 2) },
  repeat_penalty: { as: 'repeatPenalty', rule: number(0.01, 100) },
};

/** Ways of choosing tokens that only Ollama has a name for. */
const onlyOllama: ReadonlySet<string> = new Set([
  'typical_p',
  'tfs_z',
  'repeat_last_n',
  'mirostat',
  'mirostat_tau',
  'mirostat_eta',
  'penalize_newline',
]);

/** Options that attack an engine or would change the answer without the caller's knowledge. */
const refused: ReadonlySet<string> = new Set([
  'n_discard',
  'n_keep',
  'chat_parser',
  'chat_format',
  'id_slot',
  'slot_id',
  'lora',
  'grammar',
]);

const stopRule = list(string(1024), 0, 16);
const limitRule = integer(-2, tokenLimit);

/** @throws AppError `invalid_request` naming the option */
export function readOptions(value: Json | undefined): ReadOptions {
  if (value !== undefined && value !== null && !isObject(value)) throw invalidField('options', 'must be an object');
  const read: {
    sampling: Partial<Record<string, Json>>;
    stop: string[];
    maxTokens: number | null;
    others: Record<string, Json>;
    ignored: string[];
  } = { sampling: {}, stop: [], maxTokens: null, others: {}, ignored: [] };
  for (const [name, option] of Object.entries(value ?? {})) {
    const path = `options.${name}`;
    if (refused.has(name)) throw invalidField(path, 'is not accepted here');
    if (option === null) continue;
    const known = Object.hasOwn(samplingRules, name) ? samplingRules[name] : undefined;
    if (known) addSampling(read.sampling, known.as, known.rule(option, path));
    else if (name === 'stop') read.stop = texts(stopRule(typeof option === 'string' ? [option] : option, path));
    else if (name === 'num_predict') read.maxTokens = limitOf(limitRule(option, path));
    else if (onlyOllama.has(name)) read.others[name] = plain(option, path);
    else {
      // An upstream that lets callers reload its models heeds these; others take them out, and callers send them always.
      read.ignored.push(path);
      if (reloadOptions.has(name) && typeof option !== 'object') read.others[name] = option;
    }
  }
  return read;
}

function addSampling(sampling: Partial<Record<string, Json>>, name: string, value: Json): void {
  // There −1 is how callers say "as you like" for the seed, and "all of them" for the number of candidates.
  if (name === 'seed' && value === -1) return;
  sampling[name] = name === 'topK' && value === -1 ? 0 : value;
}

function texts(value: Json): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function limitOf(value: Json): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}

function plain(value: Json, path: string): Json {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  throw invalidField(path, 'must be a number or true or false');
}

/** Options of Ollama for a query's sampling. */
export function writeOptions(sampling: Sampling): Record<string, Json> {
  const options: Record<string, Json> = {};
  for (const [name, { as }] of Object.entries(samplingRules)) {
    const value = sampling[as];
    if (value !== undefined) options[name] = value;
  }
  return options;
}
