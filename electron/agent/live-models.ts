import type { EngineSnapshot, ModelSnapshot } from '../contract/snapshot.ts';

/**
 * The catalogue's rows with what only the running parts know: which engine has a model loaded, and how fast this node
 * decoded with it. Pure.
 */
export function liveModels(
  rows: readonly ModelSnapshot[],
  engines: readonly EngineSnapshot[],
  speeds: ReadonlyMap<string, number>,
): ModelSnapshot[] {
  return rows.map((row) => {
    const engine = engines.find((candidate) => candidate.model === row.id);
    return {
      ...row,
      engineId: engine?.id ?? row.engineId,
      // What is answering is the default, also after a newer file came into the folder.
      isDefault: engine === undefined ? row.isDefault && engines.every(({ model }) => model === null) : true,
      loaded: engine?.state === 'ready' || engine?.state === 'draining',
      tokensPerSecond: speeds.get(row.id) ?? row.tokensPerSecond,
    };
  });
}
