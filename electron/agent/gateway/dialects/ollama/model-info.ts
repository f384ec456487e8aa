import { createHash } from 'node:crypto';
import { AppError } from '../../../base/errors.ts';
import { quotable } from '../../../base/quotable.ts';
import type { Capability, ModelDetails, ServedModel } from '../../../inference/upstream.ts';
import type { InfoRequest, OfferedName } from '../surface.ts';
import { invalidField } from '../fields.ts';
import { parseBody, type Json, type JsonObject } from '../json.ts';

/**
 * The version of Ollama whose API this dialect follows. Callers compare it with the least one they can talk to, so it
 * cannot be ours, which stands beside it.
 */
const followedVersion = '0.17.4';

/** What a model that nothing unloads has as its end; Ollama's own way to say "forever". */
const forever = '2318-01-01T00:00:00Z';

export function versionAnswer(request: InfoRequest): object {
  return { version: followedVersion, ranch_hand: request.version };
}

/** `GET /api/tags`: every model once, and the names that stand for one. */
export function tagsAnswer(request: InfoRequest): object {
  const models = listed(request).map(({ name, model }) => tagRow(name, model));
  const names = request.names.map((offered) => nameRow(offered, request));
  return { models: [...models, ...names] };
}

/** `GET /api/ps`: models in memory. */
export function psAnswer(request: InfoRequest): object {
  const models = listed(request)
    .filter(({ model }) => model.loaded)
    .map(({ name, model }) => {
      const { context_length, ...row } = { context_length: model.contextLength, ...tagRow(name, model) };
      const context = context_length === null ? {} : { context_length };
      return { ...without(row, 'modified_at'), expires_at: forever, ...context };
    });
  return { models };
}

/** `POST /api/show`. Callers name the model in `model`, older ones in `name`. */
export function showAnswer(request: InfoRequest): object {
  const body = parseBody(request.body ?? Buffer.from('{}'));
  const asked = typeof body['model'] === 'string' && body['model'] !== '' ? body['model'] : body['name'];
  if (typeof asked !== 'string' || asked === '') throw invalidField('model', 'must name a model');
  const offered = request.names.find(({ id }) => isSame(id, asked));
  const wanted = offered?.model ?? asked;
  const found = listed(request).find(({ name, model }) => isSame(name, wanted) || isSame(model.id, wanted));
  if (found) return shown(found.model);
  if (offered) return { details: detailsOf(null), model_info: {}, capabilities: [], template: '' };
  throw new AppError(
    'model_not_found',
    `The model '${quotable(asked, 200)}' was not found. GET /api/tags lists what is here.`,
    {
      context: { param: 'model' },
    },
  );
}

interface Listed {
  /** As it is listed; the model's id may be its other form. */
  readonly name: string;
  readonly model: ServedModel;
}

/** Models of ready upstreams, each name once, the first upstream's word standing. With `:latest` where upstreams have it so. */
function listed({ upstreams }: InfoRequest): Listed[] {
  const byName = new Map<string, Listed>();
  for (const upstream of upstreams) {
    if (!upstream.ready) continue;
    for (const model of upstream.models) {
      const short = shortOf(model.id);
      const before = byName.get(short);
      if (!before) byName.set(short, { name: model.id, model });
      else if (before.name === short && model.id !== short) byName.set(short, { ...before, name: model.id });
    }
  }
  return [...byName.values()];
}

function shortOf(name: string): string {
  return name.endsWith(':latest') ? name.slice(0, -':latest'.length) : name;
}

function isSame(one: string, other: string): boolean {
  return shortOf(one) === shortOf(other);
}

function tagRow(name: string, model: ServedModel): JsonObject {
  return {
    name,
    model: name,
    modified_at: new Date(model.createdAtS * 1000).toISOString(),
    size: model.sizeBytes,
    digest: model.details?.sha256 ?? digestOf(name),
    details: detailsOf(model.details ?? null),
  };
}

function nameRow({ id, model }: OfferedName, request: InfoRequest): JsonObject {
  const behind = model === null ? undefined : listed(request).find(({ name }) => isSame(name, model));
  return {
    name: id,
    model: id,
    modified_at: new Date((behind?.model.createdAtS ?? 0) * 1000).toISOString(),
    size: behind?.model.sizeBytes ?? 0,
    digest: digestOf(id),
    details: detailsOf(behind?.model.details ?? null),
  };
}

/** Some callers take models with one digest for one model, so where the file's is not known, each name has its own. */
function digestOf(name: string): string {
  return createHash('sha256').update(`name:${name}`).digest('hex');
}

function detailsOf(details: ModelDetails | null): JsonObject {
  const family = details?.architecture ?? '';
  return {
    parent_model: '',
    format: family === '' ? '' : 'gguf',
    family,
    families: family === '' ? [] : [family],
    parameter_size: details?.parameterCount ? countText(details.parameterCount) : '',
    quantization_level: details?.quantization ?? '',
  };
}

/** Such as 8B, 1.5B, 268.10M, as Ollama writes them. */
function countText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count % 1e9 === 0 ? 0 : 1)}B`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count % 1e6 === 0 ? 0 : 2)}M`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(0)}K` : String(count);
}

function shown(model: ServedModel): object {
  const context = model.contextLength;
  return {
    license: '',
    modelfile: '',
    // Callers read the window that holds from here, and from `context_length` below.
    parameters: context === null ? '' : `num_ctx                        ${context}`,
    template: '',
    details: detailsOf(model.details ?? null),
    model_info: modelInfo(model),
    capabilities: capabilitiesOf(model),
    modified_at: new Date(model.createdAtS * 1000).toISOString(),
  };
}

/**
 * Facts under the names that GGUF files have for them; only what is known. The context is the one that requests get
 * here: callers fill what this says, and more than is served would be refused.
 */
function modelInfo(model: ServedModel): JsonObject {
  const { details } = model;
  const prefix = details?.architecture ?? 'general';
  const facts: Readonly<Record<string, Json | undefined>> = {
    'general.architecture': details?.architecture,
    'general.parameter_count': details?.parameterCount,
    [`${prefix}.context_length`]: model.contextLength ?? details?.trainedContextLength,
    [`${prefix}.block_count`]: details?.blockCount,
    [`${prefix}.embedding_length`]: details?.embeddingLength,
    [`${prefix}.attention.head_count`]: details?.headCount,
    [`${prefix}.attention.head_count_kv`]: details?.headCountKv,
  };
  const known: Record<string, Json> = {};
  for (const [name, fact] of Object.entries(facts)) if (fact !== undefined && fact !== null) known[name] = fact;
  return known;
}

const capabilityNames: Readonly<Partial<Record<Capability, string>>> = {
  chat: 'completion',
  completion: 'completion',
  embedding: 'embedding',
  tools: 'tools',
  vision: 'vision',
};

function capabilitiesOf({ capabilities, details }: ServedModel): string[] {
  const names = new Set(capabilities.flatMap((capability) => capabilityNames[capability] ?? []));
  if (details?.thinks === true) names.add('thinking');
  return [...names];
}

function without(row: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([field]) => field !== name));
}
