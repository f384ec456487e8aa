import { watch, type FSWatcher } from 'node:fs';
import path from 'node:path';
import type { ModelSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import { toAppError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { Mailbox } from '../base/mailbox.ts';
import { readGgufHeader, type GgufHeader } from './gguf-reader.ts';
import type { CatalogModel } from './catalog-model.ts';
import { refusedByMainline } from './loadable.ts';
import { modelRow } from './model-row.ts';
import { groupOf } from './quantization-name.ts';
import { findModelFiles, modelFileAt, type ModelFile } from './model-files.ts';

export interface ModelCatalogOptions {
  readonly modelsDir: string;
  /** `models.default`: the file the operator chose, anywhere; null when none. */
  readonly defaultPath: string | null;
  readonly selfTestPath: string;
}

/** A copy in progress changes its file many times a second: look again when it has been quiet this long, … */
const quietMs = 500;
/** … but at the latest after this. */
const patienceMs = 5_000;

/** The model files of this node, kept up to date by watching the models folder. */
export class ModelCatalog {
  /** Announced when {@link list} may have changed. */
  readonly changed = new Announcer<void>();
  readonly #options: ModelCatalogOptions;
  readonly #deps: { clock: Clock; logger: Logger };
  readonly #mailbox = new Mailbox();
  /** Headers by path, size and time of change, so that a rescan reads only what is new. */
  #headers = new Map<string, Examined>();
  #models: readonly CatalogModel[] = [];
  #watcher: FSWatcher | null = null;
  #cancelRescan: (() => void) | null = null;
  #firstChangeMs: number | null = null;

  constructor(options: ModelCatalogOptions, deps: { clock: Clock; logger: Logger }) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when every file has been looked at once; from then on the folder is watched. */
  async start(): Promise<void> {
    this.#watch();
    await this.rescan();
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    this.#watcher = null;
    this.#cancelRescan?.();
    this.#cancelRescan = null;
    await this.#mailbox.idle();
  }

  /** Usable ones and others, in a stable order; the self-test model last. */
  list(): readonly CatalogModel[] {
    return this.#models;
  }

  /** The same for every surface; what only a running engine knows is left open. */
  rows(): ModelSnapshot[] {
    const chosen = this.default();
    return this.#models.map((model) => modelRow(model, model === chosen));
  }

  /**
   * The model for callers who name none: the one the operator chose, else the usable one that came last into the
   * models folder, else the self-test model. Null when not even that is there.
   *
   * @param loadable Which models an engine here can load; by default those that every node's own engine can.
   */
  default(loadable: (model: CatalogModel) => boolean = loadedByMainline): CatalogModel | null {
    return defaultOf(this.#models, loadable);
  }

  /** Looks at the files again. */
  rescan(): Promise<void> {
    return this.#mailbox.post(async () => {
      const before = written(this.#models);
      this.#models = await this.#look();
      if (written(this.#models) !== before) this.changed.announce();
    });
  }

  async #look(): Promise<CatalogModel[]> {
    const { modelsDir, defaultPath, selfTestPath } = this.#options;
    const found = await findModelFiles(modelsDir);
    const chosenPath = defaultPath === null ? null : path.resolve(defaultPath);
    const selfTest = await modelFileAt(selfTestPath);
    const files: ModelFile[] = [...found.files];
    if (chosenPath !== null && !files.some((file) => file.path === chosenPath)) {
      files.unshift((await modelFileAt(chosenPath)) ?? missingFile(chosenPath));
    }
    if (found.truncated) this.#deps.logger.warn({ modelsDir }, 'the models folder holds more files than are looked at');
    const examined = new Map<string, Examined>();
    const models: CatalogModel[] = [];
    const taken = new Set<string>();
    for (const file of selfTest ? [...files, selfTest] : files) {
      const known = this.#headers.get(keyOf(file)) ?? (await examine(file));
      examined.set(keyOf(file), known);
      models.push(toModel(file, known, { taken, selfTest: file === selfTest, chosen: file.path === chosenPath }));
    }
    this.#headers = examined;
    return models;
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#options.modelsDir, { recursive: true, persistent: false }, () => {
        this.#onChange();
      });
      this.#watcher.on('error', (error) => {
        this.#deps.logger.warn({ error: error.message }, 'the models folder is no longer watched');
      });
    } catch (error) {
      this.#deps.logger.warn({ error: toAppError(error).message }, 'the models folder cannot be watched');
    }
  }

  #onChange(): void {
    const { clock } = this.#deps;
    this.#firstChangeMs ??= clock.monotonic();
    const waitedMs = clock.monotonic() - this.#firstChangeMs;
    this.#cancelRescan?.();
    this.#cancelRescan = clock.after(Math.max(0, Math.min(quietMs, patienceMs - waitedMs)), () => {
      this.#firstChangeMs = null;
      this.#cancelRescan = null;
      void this.rescan();
    });
  }
}

/** See {@link ModelCatalog.default}. */
export function defaultOf(
  models: readonly CatalogModel[],
  loadable: (model: CatalogModel) => boolean = loadedByMainline,
): CatalogModel | null {
  const usable = models.filter((model) => model.problem === null && loadable(model));
  const chosen = usable.find((model) => model.chosen);
  if (chosen) return chosen;
  const [latest] = usable.filter((model) => !model.selfTest).sort((a, b) => b.arrivedMs - a.arrivedMs);
  return latest ?? usable.find((model) => model.selfTest) ?? null;
}

function loadedByMainline(model: CatalogModel): boolean {
  return refusedByMainline(model) === null;
}

interface Examined {
  readonly header: GgufHeader | null;
  readonly problem: string | null;
}

async function examine(file: ModelFile): Promise<Examined> {
  if (file.problem !== null) return { header: null, problem: file.problem };
  try {
    return { header: await readGgufHeader(file.path), problem: null };
  } catch (error) {
    return { header: null, problem: toAppError(error).message };
  }
}

function missingFile(file: string): ModelFile {
  return { path: file, sizeBytes: 0, changedMs: 0, arrivedMs: 0, problem: 'There is no such file. Check the path.' };
}

/** The operator has to hear which setting leads to the file, and where to. */
function chosenProblem(file: string, problem: string): string {
  return `models.default names ${file}, which cannot be used: ${problem}`;
}

const keyOf = (file: ModelFile): string => `${file.path}\n${file.sizeBytes}\n${file.changedMs}`;

/** Two states of the catalog that write alike look alike. */
function written(models: readonly CatalogModel[]): string {
  return JSON.stringify(models.map((model) => ({ ...model, header: null })));
}

function toModel(
  file: ModelFile,
  { header, problem }: Examined,
  facts: { taken: Set<string>; selfTest: boolean; chosen: boolean },
): CatalogModel {
  const stem = path.basename(file.path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  return {
    id: uniqueId(stem.toLowerCase(), facts.taken),
    name: header?.name ?? stem,
    path: file.path,
    sizeBytes: file.sizeBytes,
    arrivedMs: file.arrivedMs,
    header,
    group: groupOf(stem),
    digest: null,
    origin: null,
    capabilities: problem === null ? ['chat', 'completion', 'embedding', 'json'] : [],
    shape: null,
    selfTest: facts.selfTest,
    chosen: facts.chosen,
    problem: problem !== null && facts.chosen ? chosenProblem(file.path, problem) : problem,
  };
}

function uniqueId(stem: string, taken: Set<string>): string {
  let id = stem;
  for (let number = 2; taken.has(id); number += 1) id = `${stem}-${number}`;
  taken.add(id);
  return id;
}
