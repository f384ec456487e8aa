import { AppError } from '../../../base/errors.ts';
import { quotable } from '../../../base/quotable.ts';
import type { ServedModel } from '../../../inference/upstream.ts';
import type { Json } from '../json.ts';
import type { InfoRequest, InfoRoute, OfferedModel } from '../surface.ts';

/** A model as `GET /v1/models` lists it; callers choose by what is told beside the usual four fields. */
interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly [more: string]: Json;
}

/** `GET /v1/models`: what the caller may use. */
export const modelList: InfoRoute = {
  methods: ['GET', 'HEAD'],
  readsBody: false,
  answer: (request) => ({ object: 'list', data: request.models().map((each) => rowOf(each, request)) }),
};

/** `GET /v1/models/:id`. */
export const oneModel: InfoRoute = {
  methods: ['GET', 'HEAD'],
  readsBody: false,
  answer: (request) => {
    const found = request.find(request.id ?? '');
    if (found !== null) return rowOf(found, request);
    const named = quotable(request.id ?? '', 200);
    const message = `The model "${named}" is not on this node. GET /v1/models lists what is.`;
    throw new AppError('model_not_found', message, { context: { param: 'model' } });
  },
};

function rowOf({ id, upstream, sentence, standsFor, model }: OfferedModel, { nowMs }: InfoRequest): ListedModel {
  return {
    id,
    object: 'model',
    created: Math.trunc(model?.createdAtS ?? nowMs / 1000),
    owned_by: upstream?.id ?? 'ranch-hand',
    // Other nodes read it: they leave out what would cost the money of this one.
    ...(upstream === null ? {} : { route: upstream.route }),
    ...(sentence === null ? {} : { description: sentence }),
    ...(standsFor === null ? {} : { stands_for: standsFor }),
    ...(model === null ? {} : facts(model)),
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
