import type { ModelSnapshot } from '../../contract/snapshot.ts';
import type { CatalogModel } from './catalog-model.ts';

/** A model as every surface shows it, without what only a running engine or a measurement knows. */
export function modelRow(model: CatalogModel, isDefault: boolean): ModelSnapshot {
  const { header } = model;
  return {
    id: model.id,
    name: model.name,
    engineId: null,
    path: model.path,
    family: header?.architecture ?? null,
    parameters: header?.parameters ?? null,
    quantization: header?.quantization ?? null,
    sizeBytes: model.sizeBytes,
    contextLength: header?.contextLength ?? null,
    capabilities: model.capabilities,
    loaded: false,
    isDefault,
    selfTest: model.selfTest,
    problem: model.problem,
    tokensPerSecond: null,
    state: 'idle',
    group: model.group,
    digest: model.digest,
    engines: [],
    origin: model.origin,
    lastUsedAt: null,
    measured: null,
    fit: null,
    pinned: false,
  };
}
