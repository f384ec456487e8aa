import type { EngineKind, EngineSnapshot, ModelSnapshot } from '../../contract/snapshot.ts';
import type { LogLine } from '../../contract/control.ts';
import type { Announcer } from '../base/announcer.ts';
import type { Upstream } from '../inference/upstream.ts';
import type { CatalogModel } from '../models/catalog-model.ts';
import type { LibraryProgress } from '../models/pull/library.ts';

/** The last lines an engine wrote, and those to come. */
export interface EngineLogReader {
  /** At most `count` lines, oldest first. */
  tail(count: number): LogLine[];
  /** Hears every later line until the result is called. */
  subscribe(listener: (line: LogLine) => void): () => void;
}

/** What an engine with a library of its own says of a model that is no file of the catalogue. */
export type LibraryModel = Pick<
  ModelSnapshot,
  'name' | 'family' | 'parameters' | 'quantization' | 'sizeBytes' | 'contextLength' | 'capabilities'
> & {
  /** Name without the quantization, lower case. */
  readonly group: string;
  readonly modifiedMs: number | null;
  /** What memory and speed are reckoned from; null until the engine has told it. */
  readonly shape: CatalogModel['shape'];
};

/** A model as one engine knows it: one that it has in its library, or has loaded or loads from a file. */
export interface EngineModel {
  /** As callers name it and as the engine's upstream takes it. */
  readonly id: string;
  /** Path of the catalogue's file; null for a model of the engine's own library. */
  readonly path: string | null;
  readonly library: LibraryModel | null;
  /** `sha256:…` where the engine tells. */
  readonly digest: string | null;
  readonly state: ModelSnapshot['state'];
  /** 0–1 while loading, where the engine tells. */
  readonly progress: number | null;
  /** In force once loaded: tokens a request may use. */
  readonly contextLength: number | null;
  /** Requests it works on side by side, once loaded. */
  readonly slots: number;
  /** What it takes in memory, once loaded, where the engine tells. */
  readonly memoryBytes: number | null;
  /** Wall-clock time of the latest request or load, milliseconds since the epoch. */
  readonly lastUsedMs: number | null;
}

/** How a model is to be loaded. `auto` leaves it to the engine's settings and the model. */
export interface LoadOptions {
  readonly contextLength: number | 'auto';
  readonly parallel: number | 'auto';
  readonly kvType: 'f16' | 'q8_0' | 'q4_0' | null;
}

export interface LoadTarget {
  /** See {@link EngineModel.id}. */
  readonly id: string;
  /** The file to load; null for a model of the engine's own library. */
  readonly file: CatalogModel | null;
  readonly options: LoadOptions;
}

/**
 * A local engine: what runs models on this machine. It loads and unloads what it is told to, keeps that loaded through
 * crashes and restarts, and decides nothing about which model the node should have: that is the switcher's.
 */
export interface Engine {
  readonly id: string;
  readonly kind: EngineKind;
  /** Answers with the models that are loaded now, and (an engine with a library that loads by itself) could be. */
  readonly upstream: Upstream;
  readonly log: EngineLogReader;
  /** Announced after every change of what {@link snapshot} or {@link models} says. */
  readonly changed: Announcer<void>;
  snapshot(): EngineSnapshot;
  /** Those of its own library, and files that are loaded or on their way; the self-test model like any other. */
  models(): readonly EngineModel[];
  /** Why it can never load this file, in a sentence; null when it can. Cheap; asks nothing. */
  refuses(file: CatalogModel): string | null;
  /**
   * Loads a model beside those that are loaded; resolves when it answers. One that is loaded already with the same
   * options is left as it is. The engine is started if it does not run.
   *
   * @throws AppError `model_unusable`, `engine_failed`, `engine_not_ready`; `caller_gone` when aborted, and it is then
   * unloaded again.
   */
  load(target: LoadTarget, signal: AbortSignal): Promise<void>;
  /** Takes no more requests for the model, lets those under way finish for at most `drainMs`, then frees its memory. */
  unload(id: string, options: { readonly drainMs: number }): Promise<void>;
  /**
   * Deletes a model from the engine's own library, by the engine's name for it. Left out: it has no library, or none
   * that may be changed from here.
   *
   * @throws AppError `model_not_found`, `conflict` while it is loaded
   */
  removeModel?(id: string): Promise<void>;
  /** Fetches a model into its own library; resolves when it is listed. For engines that can. */
  pullModel?(name: string, onProgress: (progress: LibraryProgress) => void, signal: AbortSignal): Promise<void>;
  /** Makes `newName` in another quantization of `from` in its library. For engines that can. */
  createQuantized?(
    from: string,
    quantization: string,
    newName: string,
    onProgress: (progress: LibraryProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Model files have come, gone or changed. */
  onCatalogChange(): void;
  /**
   * Makes it ready to load: a process with a library is started or adopted; one that runs a process a model starts
   * again those that it had. Resolves when that has been tried once; what comes of it is announced.
   */
  start(): Promise<void>;
  /**
   * Resolves when no process of ours is left; a process of ours gets no other request and has `drainMs` to finish its
   * answers (left out: none). An adopted one is left alone and only no longer used.
   */
  stop(options?: { readonly drainMs: number }): Promise<void>;
  /** Kills its own processes before it returns, without asking them first. For an agent that ends at once. */
  killNow(): void;
  /** Finishes answers under way, ends it and starts it anew with the models it had, forgetting earlier failures. */
  restart(): Promise<void>;
}
