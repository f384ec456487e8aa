import type { Dialect } from '../inference/request.ts';
import type { Capability, ModelDetails, ServedModel } from '../inference/upstream.ts';
import { operationsOf } from './server-paths.ts';
import type { ServerSettings } from './server-settings.ts';

/** What a server tells of a model. Null: it does not tell. */
export interface ListedModel {
  readonly id: string;
  readonly contextLength: number | null;
  readonly capabilities: readonly Capability[] | null;
  readonly sizeBytes: number;
  readonly loaded: boolean;
  readonly createdAtS: number;
  readonly details: ModelDetails | null;
}

type Fields = Readonly<Record<string, unknown>>;

const mostModels = 1_000;
const longestName = 500;
/** What is assumed of a model of which nothing is told; what it lacks then shows when it is asked. */
const assumed: Readonly<Record<Dialect, readonly Capability[]>> = {
  openai: ['chat', 'completion', 'tools', 'json'],
  // All that a provider of this dialect has offered in years reads images and calls tools.
  anthropic: ['chat', 'tools', 'vision', 'json'],
  ollama: ['chat', 'completion', 'json'],
};
const embeddingName = /embed|(?:^|[-_/])(?:bge|gte|e5)[-_]|minilm/i;

/** `GET /v1/models` of the OpenAI and Anthropic dialects; null for what is no such list. */
export function modelsOfList(json: unknown): ListedModel[] | null {
  const rows = rowsOf(json, 'data');
  return rows?.flatMap((row) => modelOfRow(row) ?? []).slice(0, mostModels) ?? null;
}

function modelOfRow(row: Fields): ListedModel | null {
  const id = nameOf(row['id']);
  if (id === null || isAnotherName(id, row)) return null;
  const meta = isFields(row['meta']) ? row['meta'] : {};
  return {
    id,
    // As vLLM, OpenRouter, Mistral, others, Anthropic and llama.cpp's server call it.
    contextLength:
      countOf(row['max_model_len']) ??
      countOf(row['context_length']) ??
      countOf(row['max_context_length']) ??
      countOf(row['context_window']) ??
      countOf(row['max_input_tokens']) ??
      countOf(meta['n_ctx']),
    capabilities: toldCapabilities(row),
    sizeBytes: countOf(meta['size']) ?? 0,
    loaded: true,
    createdAtS: countOf(row['created']) ?? secondsOf(row['created_at']),
    details: null,
  };
}

/**
 * Another node lists what costs its owner's money, which it spends for nobody else, and second names that say where a
 * model is there, which mean something else here.
 */
function isAnotherName(id: string, { route, owned_by: owner }: Fields): boolean {
  return route === 'cloud' || (typeof route === 'string' && typeof owner === 'string' && id.endsWith(`@${owner}`));
}

/** Servers tell it in three ways: a list of words, an object of yes and no, and lists of parameters and modalities. */
function toldCapabilities(row: Fields): Capability[] | null {
  const { capabilities, supported_parameters: parameters, architecture } = row;
  const base: Capability[] = ['chat', 'completion'];
  if (isFields(capabilities)) {
    const has = (name: string): boolean => capabilities[name] === true;
    if (!('completion_chat' in capabilities) && !('function_calling' in capabilities)) return null;
    return [
      ...(has('completion_chat') ? base : []),
      ...(has('function_calling') ? (['tools', 'json'] as const) : []),
      ...(has('vision') ? (['vision'] as const) : []),
    ];
  }
  if (Array.isArray(parameters)) {
    const inputs = isFields(architecture) ? architecture['input_modalities'] : null;
    return [
      ...base,
      ...(parameters.includes('tools') ? (['tools'] as const) : []),
      ...(parameters.includes('response_format') ? (['json'] as const) : []),
      ...(parameters.includes('logprobs') ? (['logprobs'] as const) : []),
      ...(Array.isArray(inputs) && inputs.includes('image') ? (['vision'] as const) : []),
    ];
  }
  return null;
}

/** `GET /api/tags`, with what `GET /api/ps` says is loaded and what `POST /api/show` tells by digest. */
export function modelsOfTags(tags: unknown, ps: unknown, shows: ReadonlyMap<string, unknown>): ListedModel[] | null {
  const rows = rowsOf(tags, 'models');
  if (!rows) return null;
  const loaded = new Map((rowsOf(ps, 'models') ?? []).map((row) => [row['name'], row]));
  return rows
    .slice(0, mostModels)
    .flatMap((row) => modelsOfTag(row, loaded.get(row['name']) ?? null, shows.get(digestOf(row)) ?? null));
}

/** By which an answer to `POST /api/show` is kept. */
export function digestOf(row: Fields): string {
  return `${String(row['name'])} ${String(row['digest'])}`;
}

export function tagRows(tags: unknown): Fields[] {
  return (rowsOf(tags, 'models') ?? []).slice(0, mostModels);
}

/** Both names of a model: with `:latest`, as it is listed, and without, as people write it. */
function modelsOfTag(row: Fields, loaded: Fields | null, show: unknown): ListedModel[] {
  const name = nameOf(row['name']);
  if (name === null) return [];
  const details = detailsOf(row, show);
  const model: ListedModel = {
    id: name.endsWith(':latest') ? name.slice(0, -':latest'.length) : name,
    // The window that holds is told of loaded models only; the trained one would promise too much.
    contextLength: countOf(loaded?.['context_length']),
    capabilities: shownCapabilities(show),
    sizeBytes: countOf(row['size']) ?? 0,
    loaded: loaded !== null,
    createdAtS: secondsOf(row['modified_at']),
    details,
  };
  return model.id === name ? [model] : [model, { ...model, id: name }];
}

function shownCapabilities(show: unknown): Capability[] | null {
  const told = isFields(show) ? show['capabilities'] : null;
  if (!Array.isArray(told)) return null;
  const generates = told.includes('completion');
  return [
    ...(generates ? (['chat', 'completion', 'json', 'logprobs'] as const) : []),
    ...(told.includes('embedding') ? (['embedding'] as const) : []),
    ...(generates && told.includes('tools') ? (['tools'] as const) : []),
    ...(generates && told.includes('vision') ? (['vision'] as const) : []),
  ];
}

function detailsOf(row: Fields, show: unknown): ModelDetails {
  const info = isFields(show) && isFields(show['model_info']) ? show['model_info'] : {};
  const told = isFields(show) && Array.isArray(show['capabilities']) ? show['capabilities'] : null;
  const shape = isFields(row['details']) ? row['details'] : {};
  const architecture = textOf(info['general.architecture']) ?? textOf(shape['family']);
  const fact = (name: string): number | null => countOf(info[`${architecture ?? ''}.${name}`]);
  const digest = textOf(row['digest'])?.replace(/^sha256:/, '') ?? '';
  return {
    architecture,
    quantization: textOf(shape['quantization_level']),
    parameterCount: countOf(info['general.parameter_count']),
    sha256: /^[0-9a-f]{64}$/.test(digest) ? digest : null,
    trainedContextLength: fact('context_length'),
    blockCount: fact('block_count'),
    embeddingLength: fact('embedding_length'),
    headCount: fact('attention.head_count'),
    headCountKv: fact('attention.head_count_kv'),
    hasTemplate: isFields(show) ? textOf(show['template']) !== null : null,
    thinks: told?.includes('thinking') ?? null,
  };
}

export interface KnownModels {
  readonly models: readonly ServedModel[];
  /** Whether what some of them can do is only assumed. */
  readonly assumed: boolean;
}

/** What the server serves: the operator's list where there is one, with what the server adds to it, else the server's. */
export function knownModels(settings: ServerSettings, listed: readonly ListedModel[]): KnownModels {
  const price = settings.price ? { price: settings.price } : {};
  const asked: readonly string[] = operationsOf(settings.dialect);
  const lacking = new Set<string>(
    ['chat', 'completion', 'embedding'].filter((operation) => !asked.includes(operation)),
  );
  const made = (model: ListedModel): ServedModel => {
    const { details, capabilities, ...facts } = model;
    const guess = embeddingName.test(model.id) ? (['embedding'] as const) : assumed[settings.dialect];
    const can = (capabilities ?? guess).filter((capability) => !lacking.has(capability));
    return { ...facts, capabilities: can, ...(details ? { details } : {}), ...price };
  };
  if (!settings.models) return { models: listed.map(made), assumed: listed.some((model) => !model.capabilities) };
  const models = settings.models.map(({ id, contextLength, capabilities }) => {
    const told = listed.find((model) => model.id === id);
    return made({
      ...(told ?? unknownModel(id)),
      capabilities,
      contextLength: contextLength ?? told?.contextLength ?? null,
    });
  });
  return { models, assumed: false };
}

function unknownModel(id: string): ListedModel {
  return {
    id,
    contextLength: null,
    capabilities: null,
    sizeBytes: 0,
    loaded: true,
    createdAtS: 0,
    details: null,
  };
}

/**
 * Which model answers a request that names none: the operator's first one that chats, else the only one there is or the
 * only one in memory. Among many that a provider offers, none is the default.
 */
export function defaultAmong(settings: ServerSettings, models: readonly ServedModel[]): string | null {
  const chatting = models.filter(({ capabilities }) => capabilities.includes('chat'));
  if (settings.models) return chatting[0]?.id ?? null;
  const single = [...new Set(chatting.map(({ id }) => id.replace(/:latest$/, '')))];
  if (single.length === 1) return chatting[0]?.id ?? null;
  const inMemory = chatting.filter(({ loaded }) => loaded);
  const names = new Set(inMemory.map(({ id }) => id.replace(/:latest$/, '')));
  return names.size === 1 ? (inMemory[0]?.id ?? null) : null;
}

function rowsOf(json: unknown, field: string): Fields[] | null {
  const rows = isFields(json) ? json[field] : null;
  return Array.isArray(rows) ? rows.filter(isFields) : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names go into headers, logs and other machines' screens: one that is no plain text is no name. */
function nameOf(value: unknown): string | null {
  const isName = typeof value === 'string' && value.length <= longestName && /^[^\p{C}\s]+$/u.test(value);
  return isName ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}

function secondsOf(value: unknown): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}
