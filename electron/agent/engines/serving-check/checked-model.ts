import type { EngineSnapshot, ModelSnapshot } from '../../../contract/snapshot.ts';
import type { CatalogModel } from '../../models/catalog-model.ts';
import type { CheckedModel } from './evidence.ts';

/**
 * What this node says of a model that an engine has in memory.
 *
 * @param file The model's file where it is one of the catalogue; null for a model of the engine's own library.
 */
export function checkedModelOf(model: ModelSnapshot, engine: EngineSnapshot, file: CatalogModel | null): CheckedModel {
  const header = file?.header ?? null;
  return {
    engineId: engine.id,
    engineKind: engine.kind,
    owned: engine.ownership === 'owned',
    modelId: model.id,
    name: model.name,
    contextLength: model.contextLength,
    trainedContextLength: header?.contextLength ?? null,
    quantization: model.quantization,
    capabilities: model.capabilities,
    hasChatTemplate: header?.hasChatTemplate ?? null,
    prefillTokensPerSecond: model.measured?.prefillTokensPerSecond ?? model.fit?.prefillTokensPerSecond ?? null,
  };
}
