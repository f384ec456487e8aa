import { freemem } from 'node:os';
import path from 'node:path';
import type { EngineKind, EngineSnapshot, ModelFit, ModelSnapshot, SwitchSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import { AppError } from '../base/errors.ts';
import type { Upstream } from '../inference/upstream.ts';
import { embeddedEngine } from './embedded/embedded-factory.ts';
import { EngineBoard } from './engine-board.ts';
import type { Engine } from './engine.ts';
import type { EngineFactory, EnginesDeps, EngineSettings, EnginesOptions, ModelsSettings } from './engine-factory.ts';
import { pickOffer, type Placed } from './placement/choose-default.ts';
import { rowOf } from './placement/model-rows.ts';
import { findModel, offersOf, resolveModel } from './placement/resolve-model.ts';
import { Leftovers } from './supervisor/leftovers.ts';
import { identifyProcess } from './supervisor/process-identity.ts';
import { killTree } from './supervisor/process-tree.ts';
import { HeldUpstream } from './switching/held-upstream.ts';
import { ModelLoads } from './switching/model-loads.ts';
import { loadOptionsOf, optionsFor, type OptionsByName } from './switching/model-options.ts';
import { ReadAhead, readAheadDefaults } from './switching/read-ahead.ts';
import { Switcher, type Spot } from './switching/switcher.ts';
import { Upkeep } from './switching/upkeep.ts';
import { spotKey, Uses } from './switching/uses.ts';
import { WaitingRoom } from './switching/waiting-room.ts';
import { warmUp } from './switching/warm-up.ts';

/** Every kind of engine, in the order in which equals are preferred. */
const factories: readonly EngineFactory[] = [embeddedEngine];

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
const readAheadEveryMs = 30_000;

/** All engines of this node, and which of them has which model. */
export class Engines {
  /** Announced after every change of what {@link list}, {@link models}, {@link switching} or {@link upstreams} say. */
  readonly changed = new Announcer<void>();
  /** A model is in memory that was not before, by whatever way; ids as the engine and the callers name them. */
  readonly modelLoaded = new Announcer<{ readonly engineId: string; readonly modelId: string }>();
  readonly #settings: ModelsSettings;
  readonly #deps: EnginesDeps;
  readonly #leftovers: Leftovers;
  readonly #board: EngineBoard;
  readonly #loads: ModelLoads;
  readonly #switcher: Switcher;
  readonly #uses: Uses;
  readonly #room: WaitingRoom;
  readonly #upkeep: Upkeep;
  readonly #readAhead: ReadAhead;
  readonly #upstreams: readonly Upstream[];
  #options: OptionsByName;
  #loaded: ReadonlySet<string> = new Set();
  /** By engine and model: those that a request may bring in. */
  #onDemand: { readonly stamp: number; readonly spots: ReadonlySet<string> } | null = null;
  #unsubscribe: (() => void)[] = [];

  constructor(options: EnginesOptions, deps: EnginesDeps) {
    const { logger, clock, catalog } = deps;
    this.#deps = deps;
    this.#settings = options.models ?? nothingSet;
    this.#options = this.#settings.options;
    this.#leftovers = new Leftovers(
      { file: path.join(options.dataDir, 'engine-processes.json') },
      { identify: identifyProcess, kill: killTree, logger },
    );
    const site = { ...deps, leftovers: this.#leftovers, defaultModel: (id: string) => this.#defaultAt(id) };
    const engines = factories.flatMap((make) => make(options, site) ?? []);
    this.#board = new EngineBoard({ engines, configured: configuredKinds(options.engines) }, { catalog, clock });
    const view = () => this.#board.view();
    const engineOf = (id: string): Engine => this.#board.byId(id);
    const optionsNow = (): OptionsByName => this.#options;
    this.#uses = new Uses({ clock });
    this.#room = new WaitingRoom({}, { clock, changed: this.changed });
    this.#loads = new ModelLoads({ engine: engineOf, logger });
    const { holdMs, keepAliveMinutes } = this.#settings;
    this.#switcher = new Switcher(
      { wish: this.#settings.default, holdMs },
      {
        clock,
        logger,
        view,
        loads: this.#loads,
        options: optionsNow,
        fit: (placed) => this.#fit(placed),
        warmUp: ({ model, offer }, signal) => {
          const target = { modelId: offer.modelId, capabilities: model.capabilities };
          return warmUp(engineOf(offer.engineId).upstream, target, signal, { clock });
        },
        remember: (wish) => deps.remember?.(wish),
      },
    );
    this.#upkeep = new Upkeep(
      { keepAliveMinutes },
      {
        clock,
        view,
        switcher: this.#switcher,
        loads: this.#loads,
        uses: this.#uses,
        options: optionsNow,
        rescan: () => catalog.rescan(),
      },
    );
    this.#readAhead = new ReadAhead(readAheadDefaults, {
      clock,
      isIdle: () => this.#uses.total === 0 && !this.#switcher.isBusy,
      files: () => this.#warmFiles(),
      freeBytes: freemem,
    });
    const shared = {
      clock,
      engineOf,
      view,
      switcher: this.#switcher,
      loads: this.#loads,
      uses: this.#uses,
      room: this.#room,
      onDemand: (spot: Spot) => this.#mayLoad(spot),
      stamp: () => this.#board.stamp(),
    };
    this.#upstreams = engines.map((engine) => new HeldUpstream({ holdMs }, { ...shared, engine }));
  }

  /**
   * Ends what an earlier run left behind, starts every engine and chooses the default model. Does not wait for models
   * to load.
   */
  async start(): Promise<void> {
    await this.#leftovers.sweep();
    const { catalog, clock } = this.#deps;
    this.#unsubscribe = [
      ...this.#board.engines.map((engine) => engine.changed.subscribe(() => this.#onChange())),
      this.#loads.changed.subscribe(() => this.#onChange()),
      this.#switcher.changed.subscribe(() => this.#onChange()),
      catalog.changed.subscribe(() => {
        for (const engine of this.#board.engines) engine.onCatalogChange();
        this.#loads.forgive(() => true);
        this.#onChange();
      }),
      clock.every(readAheadEveryMs, () => void this.#readAhead.run()),
    ];
    await Promise.all(this.#board.engines.map((engine) => engine.start()));
    this.#board.changed();
    this.#upkeep.start();
    void this.#switcher.open().then(() => this.#preload());
  }

  /** Resolves when no engine of ours is left. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#upkeep.stop();
    this.#room.close();
    // An engine that is told to stop gives up its loads, which is what the switcher may be waiting for.
    const closed = this.#switcher.close();
    await Promise.all([this.#readAhead.stop(), ...this.#board.engines.map((engine) => engine.stop())]);
    await closed;
  }

  /** Kills every process of ours before it returns; on Windows it orders that. For an agent that ends at once. */
  killNow(): void {
    for (const engine of this.#board.engines) engine.killNow();
  }

  /** Those in use first, those that are not there last. */
  list(): EngineSnapshot[] {
    return this.#board.snapshots(this.#switcher.current?.engineId ?? null);
  }

  /** Every model of this node, and where it is loaded; speeds and fit are added by who knows them. */
  models(): ModelSnapshot[] {
    const facts = {
      current: this.#switcher.current,
      pinned: (model: Placed['model']) => optionsFor(model, this.#options).pinned === true,
      failure: (offer: Placed['offer']) => this.#loads.failure(offer),
      lastUsedMs: ({ engineId, modelId }: Placed['offer']) => this.#uses.lastMs(spotKey(engineId, modelId)),
    };
    return this.#board.view().models.map((model) => rowOf(model, facts));
  }

  /** What the gateway sends requests to. */
  upstreams(): readonly Upstream[] {
    return this.#upstreams;
  }

  /** Whether an engine answers at this moment; requests are held for a while also where none does. */
  isReady(): boolean {
    return this.#board.engines.some((engine) => engine.upstream.describe().ready);
  }

  /** The switch under way or the last one. */
  switching(): SwitchSnapshot | null {
    return this.#switcher.snapshot();
  }

  /** Requests that wait for a model now, and how many found no place to wait. */
  waiting(): { readonly waiting: number; readonly refused: number } {
    return this.#room.figures;
  }

  /** @throws AppError `not_found` */
  byId(id: string): Engine {
    return this.#board.byId(id);
  }

  /** Starts an engine that the operator had stopped; what had failed there may be tried again. */
  async startEngine(id: string): Promise<void> {
    const engine = this.byId(id);
    this.#board.halt(id, false);
    this.#loads.forgive(({ engineId }) => engineId === id);
    await engine.start();
    this.#onChange();
  }

  /** Stops an engine until it is started again; another one takes over where it can. */
  async stopEngine(id: string): Promise<void> {
    const engine = this.byId(id);
    this.#board.halt(id, true);
    await engine.stop();
    this.#onChange();
  }

  async restartEngine(id: string): Promise<void> {
    const engine = this.byId(id);
    this.#board.halt(id, false);
    this.#loads.forgive(({ engineId }) => engineId === id);
    await engine.restart();
    this.#onChange();
  }

  /**
   * Switches the node to a model; a later call takes the place of a switch that is under way. See {@link Switcher.use}.
   */
  use(name: string, quantization?: string): { switchId: string } {
    return this.#switcher.use(name, quantization);
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
    await this.#switcher.want({ modelId: id, engineId: offer.engineId });
  }

  /**
   * Unloads a model wherever it is loaded, once its answers are complete.
   *
   * @throws AppError `model_not_found`; `conflict` for the default model, which would be loaded again at once
   */
  async unload(name: string): Promise<void> {
    const { model } = resolveModel(this.#board.view().models, name);
    if (this.#switcher.current?.modelId === model.id) {
      const message = `${model.id} answers callers who name no model, so it stays loaded. Switch to another one first, or stop its engine.`;
      throw new AppError('conflict', message);
    }
    const held = model.offers.filter(({ held }) => held !== null && held.state !== 'idle');
    await Promise.all(held.map((offer) => this.#loads.unload(offer, drainMs, 'rest')));
  }

  /** Whether a model may be unloaded for being idle. */
  pin(name: string, pinned: boolean): void {
    const { model } = resolveModel(this.#board.view().models, name);
    this.#options = { ...this.#options, [model.id]: { ...optionsFor(model, this.#options), pinned } };
    this.#deps.rememberOptions?.(this.#options);
    this.#onChange();
  }

  /**
   * Deletes a model from the disk, or from the library of the engine that has it.
   *
   * @throws AppError `model_not_found`; `conflict` while it is loaded; `invalid_request` for one that cannot be deleted
   */
  async remove(name: string): Promise<void> {
    const { model } = resolveModel(this.#board.view().models, name);
    if (model.selfTest) throw new AppError('invalid_request', 'The self-test model belongs to the program and stays.');
    const isInUse = model.offers.some((offer) => offer.held !== null && offer.held.state !== 'idle');
    if (isInUse) {
      throw new AppError('conflict', `${model.id} is loaded. Switch to another model or unload it, then remove it.`);
    }
    const [offer] = model.offers;
    if (model.file) await this.#removeFile(model.file);
    else if (offer) await this.#removeFromLibrary(offer);
  }

  async #removeFile(file: NonNullable<Placed['model']['file']>): Promise<void> {
    const { removeFile, catalog } = this.#deps;
    if (!removeFile) throw new AppError('invalid_request', `Delete ${file.path} by hand: this node may not.`);
    await removeFile(file);
    await catalog.rescan();
  }

  async #removeFromLibrary({ engineId, modelId }: Placed['offer']): Promise<void> {
    const engine = this.byId(engineId);
    if (!engine.removeModel) {
      throw new AppError('invalid_request', `${modelId} cannot be removed from here. Remove it where its engine runs.`);
    }
    await engine.removeModel(modelId);
  }

  #fit({ model, offer }: Placed): ModelFit | null {
    const engine = this.byId(offer.engineId);
    const options = loadOptionsOf(optionsFor(model, this.#options));
    const { id: modelId, sizeBytes, shape } = model;
    return (
      this.#deps.fit?.({ modelId, engineId: engine.id, engineKind: engine.kind, sizeBytes, shape, options }) ?? null
    );
  }

  /** Id of the default model as that engine names it; null when it runs elsewhere. */
  #defaultAt(engineId: string): string | null {
    const { current } = this.#switcher;
    if (current?.engineId !== engineId) return null;
    const model = this.#board.view().models.find(({ id }) => id === current.modelId);
    return model?.offers.find((offer) => offer.engineId === engineId)?.modelId ?? null;
  }

  #mayLoad({ modelId, engineId }: Spot): boolean {
    if (!this.#settings.onDemand) return false;
    const stamp = this.#board.stamp();
    if (this.#onDemand?.stamp !== stamp) this.#onDemand = { stamp, spots: this.#loadable() };
    return this.#onDemand.spots.has(spotKey(engineId, modelId));
  }

  /** Models that are nowhere in memory, each at the engine that would get it, as far as there is room. */
  #loadable(): ReadonlySet<string> {
    const { models, engines } = this.#board.view();
    const spots = new Set<string>();
    for (const model of models) {
      if (model.selfTest || model.offers.some(({ held }) => held !== null && held.state !== 'idle')) continue;
      const offer = pickOffer(
        model.offers.filter((each) => this.#loads.failure(each) === null),
        engines,
        false,
      );
      if (offer && this.#switcher.hasRoom({ model, offer })) spots.add(spotKey(offer.engineId, model.id));
    }
    return spots;
  }

  #warmFiles(): string[] {
    const { models } = this.#board.view();
    return this.#settings.warm.flatMap((name) => {
      const model = findModel(models, name)?.model;
      const isLoaded = model?.offers.some(({ held }) => held?.state === 'loaded') === true;
      return model?.file && !isLoaded ? [model.file.path] : [];
    });
  }

  async #preload(): Promise<void> {
    const { models, engines } = this.#board.view();
    for (const model of models) {
      if (optionsFor(model, this.#options).preload !== true) continue;
      const offer = pickOffer(model.offers, engines, false);
      // Why it could not be loaded is logged and shown with the model.
      if (offer) await this.#switcher.want({ modelId: model.id, engineId: offer.engineId }).catch(() => undefined);
    }
  }

  #onChange(): void {
    this.#board.changed();
    this.#tellLoaded();
    this.changed.announce();
    void this.#switcher.settle();
  }

  #tellLoaded(): void {
    const before = this.#loaded;
    const now = this.#switcher.loaded();
    this.#loaded = new Set(now.map(({ offer, model }) => spotKey(offer.engineId, model.id)));
    for (const { offer, model } of now) {
      if (before.has(spotKey(offer.engineId, model.id))) continue;
      this.modelLoaded.announce({ engineId: offer.engineId, modelId: model.id });
    }
  }
}

/** Engines whose address or program the settings name. */
function configuredKinds({ ollama, llamaServer, bitnet }: EngineSettings): ReadonlySet<EngineKind> {
  const named = ({ url, path: program }: { url: string | null; path: string | null }): boolean =>
    url !== null || program !== null;
  return new Set<EngineKind>([
    ...(named(llamaServer) ? (['llama-server'] as const) : []),
    ...(named(ollama) ? (['ollama'] as const) : []),
    ...(named(bitnet) ? (['bitnet'] as const) : []),
  ]);
}
