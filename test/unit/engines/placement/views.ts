import type { EngineModel } from '../../../../electron/agent/engines/engine.ts';
import type { EngineView } from '../../../../electron/agent/engines/placement/engine-view.ts';
import { refusedByBitnet, refusedByMainline } from '../../../../electron/agent/models/loadable.ts';
import type { EngineKind } from '../../../../electron/contract/snapshot.ts';

/** An engine as placement sees it, which refuses what the real one of its kind does. */
export function engineView(kind: EngineKind, part: Partial<EngineView> = {}): EngineView {
  const refusals = {
    embedded: refusedByMainline,
    'llama-server': refusedByMainline,
    bitnet: refusedByBitnet,
    ollama: () => 'Ollama loads what is in its library.',
  };
  return {
    id: kind,
    kind,
    ownership: 'owned',
    state: 'ready',
    configured: false,
    halted: false,
    models: [],
    refuses: refusals[kind],
    ...part,
  };
}

/** A model that an engine holds. */
export function held(id: string, part: Partial<EngineModel> = {}): EngineModel {
  return {
    id,
    path: null,
    library: null,
    digest: null,
    state: 'loaded',
    progress: null,
    contextLength: 2_048,
    slots: 1,
    memoryBytes: null,
    lastUsedMs: null,
    ...part,
  };
}
