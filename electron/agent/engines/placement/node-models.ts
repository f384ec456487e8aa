import path from 'node:path';
import type { CatalogModel } from '../../models/catalog-model.ts';
import type { ModelShape } from '../../models/model-shape.ts';
import type { EngineModel, LibraryModel } from '../engine.ts';
import { enginesFor, type EngineView } from './engine-view.ts';

/** A place where a model is or can be loaded. */
export interface Offer {
  readonly engineId: string;
  /** The model's name at that engine. */
  readonly modelId: string;
  /** What the engine says of it; null for a file that it does not hold. */
  readonly held: EngineModel | null;
}

/** A model of this node, whichever engines have it or can. */
export interface NodeModel {
  /** As callers name it. */
  readonly id: string;
  readonly group: string;
  readonly quantization: string | null;
  /** Null for a model of an engine's own library. */
  readonly file: CatalogModel | null;
  readonly library: LibraryModel | null;
  readonly sizeBytes: number;
  readonly shape: ModelShape | null;
  readonly capabilities: CatalogModel['capabilities'];
  readonly selfTest: boolean;
  /** When it came here, milliseconds since the epoch; 0 where that is not known. */
  readonly arrivedMs: number;
  /** The preferred one first; none when no engine here can load it. */
  readonly offers: readonly Offer[];
  /** Why no engine here can load it, and what to do. */
  readonly problem: string | null;
}

/** A model that an engine of ours still has though its file is gone. */
export interface Orphan {
  readonly engineId: string;
  readonly modelId: string;
}

export interface MergedModels {
  /** Files first, in the catalogue's order, then the engines' own. */
  readonly models: readonly NodeModel[];
  readonly orphans: readonly Orphan[];
}

/** One list over the model files and the engines' own libraries. */
export function mergeModels(files: readonly CatalogModel[], engines: readonly EngineView[]): MergedModels {
  const models = files.map((file) => fromFile(file, engines));
  const paths = new Set(files.map((file) => file.path));
  const orphans: Orphan[] = [];
  const own: { engine: EngineView; held: EngineModel; library: LibraryModel }[] = [];
  for (const engine of engines) {
    for (const held of engine.models) {
      if (held.path !== null && paths.has(held.path)) continue;
      const library = held.library ?? strangeFile(held, engine);
      if (library) own.push({ engine, held, library });
      else orphans.push({ engineId: engine.id, modelId: held.id });
    }
  }
  const taken = countBy([...models.map(({ id }) => id), ...own.map(({ held }) => held.id)]);
  for (const { engine, held, library } of own) {
    // A file keeps its plain name whatever runs; the engines' own models make way, all of them alike.
    const id = (taken.get(held.id) ?? 0) > 1 ? `${held.id}@${engine.id}` : held.id;
    models.push(fromLibrary(id, engine, held, library));
  }
  return { models, orphans };
}

function fromFile(file: CatalogModel, engines: readonly EngineView[]): NodeModel {
  const able = enginesFor(file, engines);
  const holders = engines.filter((engine) => !able.includes(engine) && heldFile(engine, file) !== null);
  return {
    id: file.id,
    group: file.group,
    quantization: file.header?.quantization ?? null,
    file,
    library: null,
    sizeBytes: file.sizeBytes,
    shape: file.shape,
    capabilities: file.capabilities,
    selfTest: file.selfTest,
    arrivedMs: file.arrivedMs,
    // What an engine has loaded it can load, whatever was thought of the file.
    offers: [...able, ...holders].map((engine) => {
      const held = heldFile(engine, file);
      return { engineId: engine.id, modelId: held?.id ?? file.id, held };
    }),
    problem: able.length + holders.length > 0 ? null : problemOf(file, engines),
  };
}

function heldFile(engine: EngineView, file: CatalogModel): EngineModel | null {
  return engine.models.find((model) => model.path === file.path) ?? null;
}

/** The most telling reason: an engine's that says which other one could comes before that there is none. */
function problemOf(file: CatalogModel, engines: readonly EngineView[]): string {
  if (file.problem !== null) return file.problem;
  if (file.selfTest) return 'It proves the embedded engine, which the setting engines.embedded.enabled forbids.';
  const refusals = engines.filter(({ kind }) => kind !== 'bitnet').flatMap((engine) => engine.refuses(file) ?? []);
  const [first = 'There is no engine that could load it. Install one with: ranch-hand engines install llama-server.'] =
    refusals.length > 0 ? refusals : engines.flatMap((engine) => engine.refuses(file) ?? []);
  return first;
}

function fromLibrary(id: string, engine: EngineView, held: EngineModel, library: LibraryModel): NodeModel {
  const { group, quantization, sizeBytes, shape, capabilities, modifiedMs } = library;
  return {
    id,
    group,
    quantization,
    file: null,
    library,
    sizeBytes,
    shape,
    capabilities,
    selfTest: false,
    arrivedMs: modifiedMs ?? 0,
    offers: [{ engineId: engine.id, modelId: held.id, held }],
    problem: null,
  };
}

/** An engine that somebody else runs may have a file which lies in none of our folders. */
function strangeFile(held: EngineModel, engine: EngineView): LibraryModel | null {
  if (held.path === null || engine.ownership === 'owned') return null;
  return {
    name: path.basename(held.path),
    family: null,
    parameters: null,
    quantization: null,
    sizeBytes: 0,
    contextLength: held.contextLength,
    capabilities: ['chat', 'completion'],
    group: held.id.toLowerCase(),
    modifiedMs: null,
    shape: null,
  };
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
