import { existsSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';
import type { ModelSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import { AppError, toAppError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { Mailbox } from '../base/mailbox.ts';
import type { CatalogModel } from './catalog-model.ts';
import { fileKey, toModels, type Entry } from './catalog-entries.ts';
import { examine, type Examined } from './examine.ts';
import { refusedByMainline } from './loadable.ts';
import { findModelFiles, modelFileAt, partsOf, type ModelFile } from './model-files.ts';
import { modelRow } from './model-row.ts';
import type { ModelRecords } from './records.ts';
import { quarantineModelFiles, removeModelFiles } from './remove-files.ts';

export interface ModelCatalogOptions {
  /** The node's own models folder. */
  readonly modelsDir: string;
  /** `models.folders`: more of them. */
  readonly folders?: readonly string[];
  /** `models.default`: the file the operator chose, anywhere; null when none. */
  readonly defaultPath: string | null;
  readonly selfTestPath: string;
}

export interface ModelCatalogDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Digests and origins; without them models have neither. */
  readonly records?: Pick<ModelRecords, 'get' | 'remove'>;
}

/** A copy in progress changes its file many times a second: look again when it has been quiet this long, … */
const quietMs = 500;
/** … but at the latest after this. */
const patienceMs = 4_000;
/** How often a folder is looked at that cannot be watched, such as one that is not there yet. */
const pollMs = 4_000;

/** The model files of this node, kept up to date by watching their folders. */
export class ModelCatalog {
  /** Announced when {@link list} may have changed. */
  readonly changed = new Announcer<void>();
  readonly #options: ModelCatalogOptions;
  readonly #deps: ModelCatalogDeps;
  readonly #folders: readonly string[];
  readonly #mailbox = new Mailbox();
  /** What files hold by {@link fileKey}, so that a rescan reads only what is new. */
  #examined = new Map<string, Examined>();
  /** Why files are not to be used, by {@link fileKey}. */
  readonly #setAside = new Map<string, string>();
  #models: readonly CatalogModel[] = [];
  #watchers: FSWatcher[] = [];
  #cancelRescan: (() => void) | null = null;
  #cancelPolls: (() => void) | null = null;
  #firstChangeMs: number | null = null;

  constructor(options: ModelCatalogOptions, deps: ModelCatalogDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#folders = [...new Set([options.modelsDir, ...(options.folders ?? [])].map((each) => path.resolve(each)))];
  }

  /** Resolves when every file has been looked at once; from then on the folders are watched. */
  async start(): Promise<void> {
    for (const folder of this.#folders) this.#watch(folder);
    await this.rescan();
  }

  async stop(): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    this.#cancelRescan?.();
    this.#cancelRescan = null;
    this.#cancelPolls?.();
    this.#cancelPolls = null;
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

  /**
   * Deletes a model's file, of a split one all parts, and its record. The caller has unloaded it.
   *
   * @throws AppError `model_not_found`; `forbidden` for a file outside the models folders, which is the operator's own;
   * the system's error where it cannot be deleted
   */
  async remove(id: string): Promise<void> {
    const model = this.#models.find((each) => each.id === id);
    if (!model) throw new AppError('model_not_found', `There is no model ${id} on this node.`);
    if (model.selfTest) {
      throw new AppError('forbidden', 'The self-test model belongs to the program and cannot be removed.');
    }
    await this.#mailbox.post(() => removeModelFiles(model.path, this.#folders));
    for (const part of partsOf(model.path)) this.#deps.records?.remove(part);
    await this.rescan();
  }

  /**
   * Shows a model with a problem and offers it to no engine any more, until its file changes or the agent starts anew:
   * for one that ends every engine that loads it.
   */
  async setAside(id: string, sentence: string): Promise<void> {
    const model = this.#models.find((each) => each.id === id);
    const file = model === undefined ? null : await modelFileAt(model.path);
    if (file === null) return;
    this.#setAside.set(fileKey(file), sentence);
    await this.rescan();
  }

  /**
   * Renames a model's file so that it is a model no more, and forgets its record: for one whose bytes are damaged.
   * Returns its new path.
   *
   * @throws AppError as {@link remove}
   */
  async quarantine(id: string): Promise<string> {
    const model = this.#models.find((each) => each.id === id);
    if (!model) throw new AppError('model_not_found', `There is no model ${id} on this node.`);
    const { clock, records } = this.#deps;
    const moved = await this.#mailbox.post(() => quarantineModelFiles(model.path, this.#folders, clock.now()));
    for (const part of partsOf(model.path)) records?.remove(part);
    await this.rescan();
    return moved;
  }

  async #look(): Promise<CatalogModel[]> {
    const entries: Entry[] = [];
    const examined = new Map<string, Examined>();
    for (const found of await this.#files()) {
      const key = fileKey(found.file);
      const known = this.#examined.get(key) ?? (await examine(found.file));
      examined.set(key, known);
      const aside = this.#setAside.get(key);
      entries.push({ ...found, examined: aside === undefined ? known : { ...known, problem: aside } });
    }
    this.#examined = examined;
    for (const key of this.#setAside.keys()) if (!examined.has(key)) this.#setAside.delete(key);
    return toModels(entries, this.#deps.records ?? null);
  }

  /** Every file with its part in the catalogue, in the order of the list. */
  async #files(): Promise<Omit<Entry, 'examined'>[]> {
    const { defaultPath, selfTestPath } = this.#options;
    const files = new Map<string, ModelFile>();
    for (const folder of this.#folders) {
      const found = await findModelFiles(folder);
      if (found.truncated) this.#deps.logger.warn({ folder }, 'a models folder holds more files than are looked at');
      // One folder may be inside another.
      for (const file of found.files) files.set(file.path, file);
    }
    const list = [...files.values()].map((file) => ({ file, chosen: false, selfTest: false }));
    const chosenPath = defaultPath === null ? null : path.resolve(defaultPath);
    const chosen = list.find(({ file }) => file.path === chosenPath);
    if (chosen) chosen.chosen = true;
    else if (chosenPath !== null) {
      const file = (await modelFileAt(chosenPath)) ?? missingFile(chosenPath);
      list.unshift({ file, chosen: true, selfTest: false });
    }
    const selfTest = await modelFileAt(selfTestPath);
    return selfTest ? [...list, { file: selfTest, chosen: false, selfTest: true }] : list;
  }

  #watch(folder: string): void {
    // One that is not there yet would be watched in vain on some systems, without an error.
    if (!existsSync(folder)) {
      this.#poll();
      return;
    }
    try {
      const watcher = watch(folder, { recursive: true, persistent: false }, () => this.#onChange());
      watcher.on('error', (error) => {
        this.#deps.logger.warn({ folder, error: error.message }, 'a models folder is no longer watched');
        this.#poll();
      });
      this.#watchers.push(watcher);
    } catch (error) {
      this.#deps.logger.warn({ folder, error: toAppError(error).message }, 'a models folder cannot be watched');
      this.#poll();
    }
  }

  #poll(): void {
    this.#cancelPolls ??= this.#deps.clock.every(pollMs, () => {
      if (this.#mailbox.size === 0) void this.rescan();
    });
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
  // One that writes no answers is nobody's default unless it was chosen.
  const answering = usable.filter(({ header }) => header === null || header.use.use === 'answers');
  const [latest] = answering.filter((model) => !model.selfTest).sort((a, b) => b.arrivedMs - a.arrivedMs);
  return latest ?? answering.find((model) => model.selfTest) ?? null;
}

function loadedByMainline(model: CatalogModel): boolean {
  return refusedByMainline(model) === null;
}

function missingFile(file: string): ModelFile {
  const problem = 'There is no such file. Check the path.';
  return { path: file, otherParts: [], sizeBytes: 0, firstPartBytes: 0, changedMs: 0, arrivedMs: 0, problem };
}

/** Two states of the catalog that write alike look alike. */
function written(models: readonly CatalogModel[]): string {
  return JSON.stringify(models.map((model) => ({ ...model, header: null, shape: null })));
}
