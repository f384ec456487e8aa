import { createHash } from 'node:crypto';
import { AppError } from '../../../base/errors.ts';
import { quotable } from '../../../base/quotable.ts';
import type { Capability, ModelDetails, ServedModel } from '../../../inference/upstream.ts';
import type { InfoRequest, OfferedModel } from '../surface.ts';
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

/** `GET /api/tags`: what the caller may use. */
export function tagsAnswer(request: InfoRequest): object {
  return { models: rowsOf(request.models()) };
}

/** `GET /api/ps`: models in memory, each once, however many names lead to it. */
export function psAnswer(request: InfoRequest): object {
  const seen = new Set<ServedModel>();
  const inMemory = request.models().filter(({ upstream, model }) => {
    if (upstream === null || model?.loaded !== true || seen.has(model)) return false;
    seen.add(model);
    return true;
  });
  const rows = rowsOf(inMemory);
  const models = inMemory.map(({ model }, at) => {
    const context = typeof model?.contextLength === 'number' ? { context_length: model.contextLength } : {};
    return { ...without(rows[at] ?? {}, 'modified_at'), expires_at: forever, ...context };
  });
  return { models };
}

/** `POST /api/show`. Callers name the model in `model`, older ones in `name`. */
export function showAnswer(request: InfoRequest): object {
  const body = parseBody(request.body ?? Buffer.from('{}'));
  const asked = typeof body['model'] === 'string' && body['model'] !== '' ? body['model'] : body['name'];
  if (typeof asked !== 'string' || asked === '') throw invalidField('model', 'must name a model');
  const found = request.find(asked);
  if (found !== null && found.model !== null) return shown(found.model);
  if (found !== null) return { details: detailsOf(null), model_info: {}, capabilities: [], template: '' };
  throw new AppError(
    'model_not_found',
    `The model '${quotable(asked, 200)}' was not found. GET /api/tags lists what is here.`,
    {
      context: { param: 'model' },
    },
  );
}

/** The first row of a file has its digest: a second name for it is another row to callers. */
function rowsOf(models: readonly OfferedModel[]): JsonObject[] {
  const seen = new Set<string>();
  return models.map(({ id, upstream, model }) => {
    const ofFile = upstream === null ? null : (model?.details?.sha256 ?? null);
    const digest = ofFile === null || seen.has(ofFile) ? digestOf(id) : ofFile;
    seen.add(digest);
    return tagRow(id, model, digest);
  });
}

function tagRow(name: string, model: ServedModel | null, digest: string): JsonObject {
  return {
    name,
    model: name,
    modified_at: new Date((model?.createdAtS ?? 0) * 1000).toISOString(),
    size: model?.sizeBytes ?? 0,
    digest,
    details: detailsOf(model?.details ?? null),
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
