import { AppError } from '../../../base/errors.ts';
import { quotable } from '../../../base/quotable.ts';
import type { ServedModel, UpstreamDescription } from '../../../inference/upstream.ts';
import type { Json } from '../json.ts';
import type { InfoRequest, InfoRoute, OfferedName } from '../surface.ts';

/** A model as `GET /v1/models` lists it; callers choose by what is told beside the usual four fields. */
interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly [more: string]: Json;
}

/** `GET /v1/models`: what ready upstreams serve, each id once, the first upstream's word standing; then the names offered. */
export const modelList: InfoRoute = {
  methods: ['GET', 'HEAD'],
  readsBody: false,
  answer: (request) => ({ object: 'list', data: listModels(request) }),
};

/** `GET /v1/models/:id`. */
export const oneModel: InfoRoute = {
  methods: ['GET', 'HEAD'],
  readsBody: false,
  answer: (request) => {
    const found = listModels(request).find(({ id }) => id === request.id);
    if (found) return found;
    const named = quotable(request.id ?? '', 200);
    const message = `The model "${named}" is not on this node. GET /v1/models lists what is.`;
    throw new AppError('model_not_found', message, { context: { param: 'model' } });
  },
};

function listModels({ upstreams, names, nowMs }: InfoRequest): ListedModel[] {
  const byId = new Map<string, ListedModel>();
  const served = new Map<string, ServedModel>();
  for (const upstream of upstreams) {
    if (!upstream.ready) continue;
    for (const model of upstream.models) {
      if (byId.has(model.id)) continue;
      byId.set(model.id, listed(model, upstream));
      served.set(model.id, model);
    }
  }
  for (const name of names) {
    if (!byId.has(name.id)) byId.set(name.id, offered(name, served.get(name.model ?? ''), nowMs));
  }
  return [...byId.values()];
}

function listed(model: ServedModel, upstream: UpstreamDescription): ListedModel {
  return {
    id: model.id,
    object: 'model',
    created: Math.trunc(model.createdAtS),
    owned_by: upstream.id,
    ...facts(model),
  };
}

function offered(name: OfferedName, behind: ServedModel | undefined, nowMs: number): ListedModel {
  return {
    id: name.id,
    object: 'model',
    created: Math.trunc(behind?.createdAtS ?? nowMs / 1000),
    owned_by: 'ranch-hand',
    description: name.sentence,
    ...(name.model === null ? {} : { stands_for: name.model }),
    ...(behind === undefined ? {} : facts(behind)),
  };
}

function facts(model: ServedModel): Record<string, Json> {
  const { contextLength, details, price } = model;
  return {
    ...(contextLength === null ? {} : { context_length: contextLength }),
    capabilities: model.capabilities,
    ...(price === undefined ? {} : { pricing: { input_usd: price.inputUsd, output_usd: price.outputUsd } }),
    meta: known({
      architecture: details?.architecture ?? null,
      quantization: details?.quantization ?? null,
      n_params: details?.parameterCount ?? null,
      n_ctx: contextLength,
      n_ctx_train: details?.trainedContextLength ?? null,
      n_embd: details?.embeddingLength ?? null,
      size: model.sizeBytes > 0 ? model.sizeBytes : null,
      reasoning: details?.thinks ?? null,
      loaded: model.loaded,
    }),
  };
}

function known(fields: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
