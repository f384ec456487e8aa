import type { ServedModel, UpstreamDescription } from '../../../inference/upstream.ts';

/** A model as `GET /v1/models` lists it. */
export interface OpenAiModel {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
}

/** Models that ready upstreams serve, each id once, the first upstream's word standing. */
export function listModels(upstreams: readonly UpstreamDescription[]): OpenAiModel[] {
  const byId = new Map<string, OpenAiModel>();
  for (const upstream of upstreams) {
    if (!upstream.ready) continue;
    for (const model of upstream.models) {
      if (!byId.has(model.id)) byId.set(model.id, encodeModel(model, upstream.id));
    }
  }
  return [...byId.values()];
}

function encodeModel(model: ServedModel, owner: string): OpenAiModel {
  return { id: model.id, object: 'model', created: Math.trunc(model.createdAtS), owned_by: owner };
}
