import path from 'node:path';
import type { EngineSnapshot, ModelFit, ModelSnapshot, SwitchSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import { AppError } from '../base/errors.ts';
import type { Upstream } from '../inference/upstream.ts';
import type { CatalogModel } from '../models/catalog-model.ts';
import { bitnetEngine } from './bitnet/bitnet-factory.ts';
import { embeddedEngine } from './embedded/embedded-factory.ts';
import { configuredKinds, EngineBoard } from './engine-board.ts';
import type { Engine } from './engine.ts';
import type { EngineFactory, EnginesDeps, EnginesOptions, ModelsSettings } from './engine-factory.ts';
import { llamaServerEngine } from './llama-server/llama-server-factory.ts';
import { ollamaEngine } from './ollama/ollama-factory.ts';
import { pickOffer, type Placed } from './placement/choose-default.ts';
import { rowOf } from './placement/model-rows.ts';
import type { NodeModel, Offer } from './placement/node-models.ts';
import { findModel, offersOf, resolveModel } from './placement/resolve-model.ts';
import { clearKeys, keyFolder } from './process-engine/key-files.ts';
import { Leftovers } from './supervisor/leftovers.ts';
import { identifyProcess } from './supervisor/process-identity.ts';
import { killTree } from './supervisor/process-tree.ts';
import { loadOptionsOf, optionsFor, type OptionsByName } from './switching/model-options.ts';
import { makeParts, type SwitchingParts } from './switching/parts.ts';
import { Returns } from './switching/returns.ts';
import { spotKey } from './switching/uses.ts';

/** Every kind of engine, in the order in which equals are preferred. */
const allFactories: readonly EngineFactory[] = [llamaServerEngine, ollamaEngine, bitnetEngine, embeddedEngine];

const nothingSet: ModelsSettings = {
  default: null,
  onDemand: true,
  holdMs: 300_000,
  keepAliveMinutes: 5,
  warm: [],
  options: {},
};

/** An unload that the operator asked for lets answers under way end, within this. */
const drainMs = 10 * 60_000;
/** The same for an engine that the operator stops: who stops something wants it gone soon. */
const stopDrainMs = 8_000;
const readAheadEveryMs = 30_000;

/** A model that has come into memory, as callers name it. */
export interface LoadedModel {
  readonly engineId: string;
  readonly modelId: string;
  /** How long that took, milliseconds; null where its beginning was not seen. */
  readonly loadMs: number | null;
}

/** All engines of this node, and which of them has which model. */
export class Engines {
  /** Announced after every change of what {@link list}, {@link models}, {@link switching} or {@link upstreams} say. */
  readonly changed = new Announcer<void>();
  /** A model is in memory that was not before, by whatever way; the model as callers name it. */
  readonly modelLoaded = new Announcer<LoadedModel>();
  readonly #deps: EnginesDeps;
  readonly #leftovers: Leftovers;
  readonly #board: EngineBoard;
  readonly #parts: SwitchingParts;
  readonly #returns: Returns;
  readonly #keyFolder: string;
  #options: OptionsByName;
  #loaded: ReadonlySet<string> = new Set();
  /** Since when each model is on its way into memory, monotonic milliseconds. */
  #loading: ReadonlyMap<string, number> = new Map();
  #unsubscribe: (() => void)[] = [];
  #isStopped = false;

  constructor(options: EnginesOptions, deps: EnginesDeps) {
    const { logger, clock, catalog } = deps;
    const settings = options.models ?? nothingSet;
    this.#deps = deps;
    this.#options = settings.options;
    this.#returns = new Returns({ clock });
    this.#keyFolder = keyFolder(options.dataDir);
    this.#leftovers = new Leftovers(
      { file: path.join(options.dataDir, 'engine-processes.json') },
      { identify: identifyProcess, kill: killTree, logger },
    );
    const site = { ...deps, leftovers: this.#leftovers, defaultModel: (id: string) => this.#parts.switcher.nameAt(id) };
    const engines = (deps.factories ?? allFactories).flatMap((make) => make(options, site) ?? []);
    this.#board = new EngineBoard({ engines, configured: configuredKinds(options.engines) }, { catalog, clock });
    this.#parts = makeParts(settings, {
      clock,
      logger,
      board: this.#board,
      changed: this.changed,
      options: () => this.#options,
      fit: (placed) => this.#fit(placed),
      remember: (wish) => deps.remember?.(wish),
      rescan: () => catalog.rescan(),
    });
  }

  /**
   * Ends what an earlier run left behind, starts every engine and chooses the default model. Does not wait for models
   * to load.
   */
  async start(): Promise<void> {
    await this.#leftovers.sweep();
    await clearKeys(this.#keyFolder).catch((error: unknown) => {
      this.#deps.logger.warn({ err: error }, 'keys of engines of an earlier run could not be deleted');
    });
    const { catalog, clock } = this.#deps;
    const { loads, switcher, upkeep, readAhead } = this.#parts;
    this.#unsubscribe = [
      ...this.#board.engines.map((engine) => engine.changed.subscribe(() => this.#onChange())),
      loads.changed.subscribe(() => this.#onChange()),
      switcher.changed.subscribe(() => this.#onChange()),
      catalog.changed.subscribe(() => {
        for (const engine of this.#board.engines) engine.onCatalogChange();
        loads.forgive(() => true);
        this.#onChange();
      }),
      clock.every(readAheadEveryMs, () => void readAhead.run()),
    ];
    await Promise.all(this.#board.engines.map((engine) => engine.start()));
    if (this.#isStopped) return;
    this.#onChange();
    upkeep.start();
    void switcher.open().then(() => this.#preload());
  }

  /** Resolves when no engine of ours is left. */
  async stop(): Promise<void> {
    const { upkeep, room, switcher, readAhead } = this.#parts;
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    upkeep.stop();
    room.close();
    // An engine that is told to stop gives up its loads, which is what the switcher may be waiting for.
    const closed = switcher.close();
    await Promise.all([readAhead.stop(), ...this.#board.engines.map((engine) => engine.stop())]);
    await closed;
  }

  /** Kills every process of ours before it returns; on Windows it orders that. For an agent that ends at once. */
  killNow(): void {
    for (const engine of this.#board.engines) engine.killNow();
  }

  /** Those in use first, those that are not there last. */
  list(): EngineSnapshot[] {
    return this.#board.snapshots(this.#parts.switcher.current?.engineId ?? null);
  }

  /** Every model of this node, and where it is loaded; speeds and fit are added by who knows them. */
  models(): ModelSnapshot[] {
    const { switcher, loads, uses } = this.#parts;
    const facts = {
      current: switcher.current,
      pinned: (model: NodeModel) => optionsFor(model, this.#options).pinned === true,
      failure: (offer: Offer) => loads.failure(offer),
      lastUsedMs: ({ engineId, modelId }: Offer) => uses.lastMs(spotKey(engineId, modelId)),
    };
    return this.#board.view().models.map((model) => rowOf(model, facts));
  }

  /** What the gateway sends requests to. */
  upstreams(): readonly Upstream[] {
    return this.#parts.upstreams;
  }

  /** Whether an engine answers at this moment; requests are held for a while also where none does. */
  isReady(): boolean {
    return this.#board.engines.some((engine) => engine.upstream.describe().ready);
  }

  /** Whether a switch or a load is under way. */
  isBusy(): boolean {
    return this.#parts.switcher.isLoading;
  }

  /** The switch under way or the last one. */
  switching(): SwitchSnapshot | null {
    return this.#parts.switcher.snapshot();
  }

  /** Every model with all that is known of it and where it can be loaded. */
  nodeModels(): readonly NodeModel[] {
    return this.#board.view().models;
  }

  /** Requests that wait for a model now, and how many found no place to wait. */
  waiting(): { readonly waiting: number; readonly refused: number } {
    return this.#parts.room.figures;
  }

  /** @throws AppError `not_found` */
  byId(id: string): Engine {
    return this.#board.byId(id);
  }

  /** Starts an engine that the operator had stopped; what had failed there may be tried again. */
  startEngine(id: string): Promise<void> {
    return this.#wake(id, (engine) => engine.start());
  }

  restartEngine(id: string): Promise<void> {
    return this.#wake(id, (engine) => engine.restart());
  }

  /** Stops an engine, once its answers are complete or took too long, until it is started again; another one takes over. */
  async stopEngine(id: string): Promise<void> {
    const engine = this.byId(id);
    this.#board.halt(id, true);
    await engine.stop({ drainMs: stopDrainMs });
    this.#onChange();
  }

  /** Switches the node to a model; a later call takes the place of a switch under way. See {@link Switcher.use}. */
  use(name: string, quantization?: string): { switchId: string } {
    return this.#parts.switcher.use(name, quantization);
  }

  /** Whether a model of that name is here, and in that quantization. */
  has(name: string, quantization?: string): boolean {
    return findModel(this.#board.view().models, name, quantization) !== null;
  }

  /**
   * Loads a model beside the others; resolves when it answers.
   *
   * @throws AppError `model_not_found`, `model_unusable`, `engine_not_ready` where there is no room or no engine
   */
  async load(name: string): Promise<void> {
    const { models, engines } = this.#board.view();
    const meant = resolveModel(models, name);
    const { id, problem } = meant.model;
    if (problem !== null) throw new AppError('model_unusable', `${id} cannot be loaded. ${problem}`);
    const offer = pickOffer(offersOf(meant), engines, true);
    if (!offer) throw new AppError('engine_not_ready', `No engine that can load ${id} runs here. Start one.`);
    await this.#parts.switcher.want({ modelId: id, engineId: offer.engineId });
  }

  /**
   * Unloads a model wherever it is loaded, once its answers are complete.
   *
   * @throws AppError `model_not_found`; `conflict` for the default model, which would be loaded again at once, and for
   * one whose engine is somebody else's; what else its engine has against it
   */
  async unload(name: string): Promise<void> {
    const { model } = resolveModel(this.#board.view().models, name);
    if (this.#parts.switcher.current?.modelId === model.id) {
      const message = `${model.id} answers callers who name no model, so it stays loaded. Switch to another one first, or stop its engine.`;
      throw new AppError('conflict', message);
    }
    const unloads = inMemory(model).map((offer) => this.#parts.loads.unload(offer, drainMs, 'rest'));
    const refusal = (await Promise.all(unloads)).find((error) => error !== null);
    if (refusal) throw refusal;
  }

  /** Says whether a model may be unloaded for being idle. */
  pin(name: string, pinned: boolean): void {
    const { model } = resolveModel(this.#board.view().models, name);
    this.#options = { ...this.#options, [model.id]: { ...optionsFor(model, this.#options), pinned } };
    this.#onChange();
    this.#deps.rememberOptions?.(this.#options);
  }

  /**
   * Deletes a model from the disk, or from the library of the engine that has it.
   *
   * @throws AppError `model_not_found`; `conflict` while it is loaded; `invalid_request` for one that cannot be deleted
   */
  async remove(name: string): Promise<void> {
    const { model } = resolveModel(this.#board.view().models, name);
    if (model.selfTest) throw new AppError('invalid_request', 'The self-test model belongs to the program and stays.');
    if (inMemory(model).length > 0) {
      throw new AppError('conflict', `${model.id} is loaded. Switch to another model or unload it, then remove it.`);
    }
    const [offer] = model.offers;
    if (model.file) await this.#removeFile(model.file);
    else if (offer) await this.#removeFromLibrary(offer);
  }

  async #wake(id: string, wake: (engine: Engine) => Promise<void>): Promise<void> {
    const engine = this.byId(id);
    this.#board.halt(id, false);
    this.#parts.loads.forgive(({ engineId }) => engineId === id);
    await wake(engine);
    this.#onChange();
  }

  async #removeFile(file: CatalogModel): Promise<void> {
    const { removeFile, catalog } = this.#deps;
    if (!removeFile)
      throw new AppError('invalid_request', `This node may not delete files. Delete ${file.path} by hand.`);
    await removeFile(file);
    await catalog.rescan();
  }

  async #removeFromLibrary({ engineId, modelId }: Offer): Promise<void> {
    const engine = this.byId(engineId);
    if (!engine.removeModel) {
      throw new AppError('invalid_request', `${modelId} cannot be removed from here. Remove it where its engine runs.`);
    }
    await engine.removeModel(modelId);
  }

  #fit({ model, offer }: Placed): ModelFit | null {
    const { id: engineId, kind: engineKind } = this.byId(offer.engineId);
    const options = loadOptionsOf(optionsFor(model, this.#options));
    const { id: modelId, sizeBytes, shape } = model;
    return this.#deps.fit?.({ modelId, engineId, engineKind, sizeBytes, shape, options }) ?? null;
  }

  async #preload(): Promise<void> {
    const { models, engines } = this.#board.view();
    for (const model of models) {
      const offer = optionsFor(model, this.#options).preload === true ? pickOffer(model.offers, engines, false) : null;
      // Why it could not be loaded is logged and shown with the model.
      if (offer)
        await this.#parts.switcher.want({ modelId: model.id, engineId: offer.engineId }).catch(() => undefined);
    }
  }

  #onChange(): void {
    this.#board.changed();
    for (const id of this.#returns.look(this.#board.view().engines)) {
      this.#parts.loads.forgive(({ engineId }) => engineId === id);
    }
    this.#tellLoaded();
    this.changed.announce();
    void this.#parts.switcher.settle();
  }

  #tellLoaded(): void {
    const before = this.#loaded;
    const loading = this.#loading;
    this.#loading = this.#nowLoading();
    const now = this.#parts.switcher.loaded();
    this.#loaded = new Set(now.map(({ offer, model }) => spotKey(offer.engineId, model.id)));
    for (const { offer, model } of now) {
      const key = spotKey(offer.engineId, model.id);
      if (before.has(key)) continue;
      const sinceMs = loading.get(key);
      const loadMs = sinceMs === undefined ? null : this.#deps.clock.monotonic() - sinceMs;
      this.modelLoaded.announce({ engineId: offer.engineId, modelId: model.id, loadMs });
    }
  }

  /** Models that are on their way into memory, each with the time when that was seen first. */
  #nowLoading(): ReadonlyMap<string, number> {
    const { loads } = this.#parts;
    const nowMs = this.#deps.clock.monotonic();
    const loading = new Map<string, number>();
    for (const model of this.#board.view().models) {
      for (const offer of model.offers) {
        const state = offer.held?.state;
        if (state === 'loaded' || (state !== 'loading' && !loads.isArriving(offer))) continue;
        const key = spotKey(offer.engineId, model.id);
        loading.set(key, this.#loading.get(key) ?? nowMs);
      }
    }
    return loading;
  }
}

/** Where a model takes memory now, or is about to. */
function inMemory(model: NodeModel): Offer[] {
  return model.offers.filter(({ held }) => held !== null && held.state !== 'idle');
}
