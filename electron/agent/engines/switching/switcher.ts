import { randomBytes } from 'node:crypto';
import type { ModelFit, SwitchSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { Mailbox } from '../../base/mailbox.ts';
import { chooseDefault, pickOffer, type Placed } from '../placement/choose-default.ts';
import { hasFailed, type EngineView } from '../placement/engine-view.ts';
import type { NodeModel, Offer, Orphan } from '../placement/node-models.ts';
import { offersOf, resolveModel } from '../placement/resolve-model.ts';
import type { EngineModel } from '../engine.ts';
import type { ModelLoads } from './model-loads.ts';
import { loadOptionsOf, optionsFor, type OptionsByName } from './model-options.ts';
import { beginSwitch, inPhase } from './switch-record.ts';
import { runSwitch, sameSpot, type SwitchOutcome, type SwitchPorts } from './switch-run.ts';

/** All models and engines at one moment. */
export interface PlacementView {
  readonly models: readonly NodeModel[];
  readonly orphans: readonly Orphan[];
  readonly engines: readonly EngineView[];
}

/** Ids of a model and of the engine it is to run on. */
export interface Spot {
  readonly modelId: string;
  readonly engineId: string;
}

export interface SwitcherOptions {
  /** What the operator named in `models.default`. */
  readonly wish: string | null;
  /** `models.holdMs`. */
  readonly holdMs: number;
}

export interface SwitcherDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly view: () => PlacementView;
  readonly loads: ModelLoads;
  readonly options: () => OptionsByName;
  /** Memory that a model would need at that engine, and what there is; null where that cannot be told. */
  readonly fit: (placed: Placed) => ModelFit | null;
  readonly warmUp: (placed: Placed, signal: AbortSignal) => Promise<void>;
  /** Keeps the operator's choice for later starts. */
  readonly remember: (wish: string) => void;
}

/**
 * Answers under way on the model that goes may take this long where nobody waits for its memory, as a share of
 * `models.holdMs` where somebody does: the rest of it is for loading.
 */
const patientDrainMs = 10 * 60_000;
const hurriedShare = 0.6;

/**
 * Decides which model the node answers with, and has it there. One thing at a time: a switch, a load on demand and a
 * change of the default wait for each other, so that no room is given away twice. A later switch takes the place of one
 * that is under way: what that had begun is undone, and the model that answered last stays the one to go back to.
 */
export class Switcher {
  readonly changed = new Announcer<void>();
  readonly #options: SwitcherOptions;
  readonly #deps: SwitcherDeps;
  readonly #mailbox = new Mailbox();
  readonly #stopped = new AbortController();
  readonly #wanted = new Map<string, Promise<void>>();
  #wish: string | null;
  #current: Spot | null = null;
  /** What its engine calls the current one. */
  #currentName: string | null = null;
  /** The last one that answered; what a switch that fails goes back to. */
  #answering: Spot | null = null;
  #record: SwitchSnapshot | null = null;
  #running: AbortController | null = null;
  /** The model that is being loaded and has not answered yet: requests for it wait for that too. */
  #coming: Spot | null = null;
  /** Switches that were asked for and have not had their turn. */
  #queued = 0;
  #settling = false;
  #isOpen = false;

  constructor(options: SwitcherOptions, deps: SwitcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#wish = options.wish;
  }

  /** Where requests go that name no model; null when there is none. */
  get current(): Spot | null {
    return this.#current;
  }

  /** The current model in the words of that engine; null where it runs elsewhere. Asks no engine anything. */
  nameAt(engineId: string): string | null {
    return this.#current?.engineId === engineId ? this.#currentName : null;
  }

  /** The switch under way or the last one. */
  snapshot(): SwitchSnapshot | null {
    const record = this.#record;
    if (record?.phase !== 'loading') return record;
    const placed = this.#at({ modelId: record.to, engineId: record.engineId });
    return { ...record, progress: placed?.offer.held?.progress ?? null };
  }

  /** Begins to decide; resolves when the default model has been chosen and, unless it loads on demand, loaded. */
  async open(): Promise<void> {
    this.#isOpen = true;
    await this.settle();
  }

  /** Gives up what is under way; nothing is begun any more. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#mailbox.idle();
  }

  /**
   * Switches to the model that the operator named. Answers at once; the switch goes on in {@link snapshot}.
   *
   * @throws AppError `model_not_found`, `model_unusable`, `engine_not_ready`
   */
  use(name: string, quantization?: string): { switchId: string } {
    const { loads, clock, view } = this.#deps;
    const { models, engines } = view();
    const meant = resolveModel(models, name, quantization);
    const { model } = meant;
    if (model.problem !== null) throw new AppError('model_unusable', `${model.id} cannot be loaded. ${model.problem}`);
    const offer = pickOffer(offersOf(meant), engines, true);
    if (!offer) throw noEngine(model.id);
    loads.forgive((key) => key.engineId === offer.engineId && key.modelId === offer.modelId);
    const spot = { modelId: model.id, engineId: offer.engineId };
    const from = this.#answering?.modelId ?? null;
    const id = randomBytes(6).toString('hex');
    this.#running?.abort();
    const controller = new AbortController();
    this.#running = controller;
    this.#record = beginSwitch({ id, to: model.id, from, engineId: offer.engineId }, clock.now());
    this.changed.announce();
    const wish = meant.engineId === null ? wishFor(model) : name;
    this.#queued += 1;
    void this.#mailbox.post(async () => {
      this.#queued -= 1;
      const outcome = await this.#run(spot, controller, id);
      if (outcome.kind !== 'done') return;
      this.#wish = wish;
      this.#keep(wish);
    });
    void this.settle();
    return { switchId: id };
  }

  /** Loads a model beside the others; several callers wait for the same load. Rejects when there is no room. */
  want(spot: Spot): Promise<void> {
    const key = `${spot.engineId}\n${spot.modelId}`;
    const under = this.#wanted.get(key);
    if (under) return under;
    const wanted = this.#mailbox
      .post(() => this.#loadBeside(spot))
      .finally(() => {
        this.#wanted.delete(key);
        this.changed.announce();
      });
    this.#wanted.set(key, wanted);
    return wanted;
  }

  /** Whether the model is on its way because of a switch or a request. */
  isComing(spot: Spot): boolean {
    const isTarget = this.#coming !== null && sameIds(spot, this.#coming);
    return isTarget || this.#wanted.has(`${spot.engineId}\n${spot.modelId}`);
  }

  /** Whether a switch or a change of the default is under way. */
  get isBusy(): boolean {
    return this.#running !== null;
  }

  /** Whether anything is being loaded, or waits to be. */
  get isLoading(): boolean {
    return this.#mailbox.size > 0;
  }

  /** Whether the model fits beside those that are loaded. */
  hasRoom(placed: Placed): boolean {
    const verdict = this.#deps.fit(placed)?.verdict ?? 'unknown';
    return verdict === 'fits' || verdict === 'unknown';
  }

  /** Makes the default model what it should be, now that engines or models have changed. */
  async settle(): Promise<void> {
    if (!this.#isOpen || this.#settling) return;
    this.#settling = true;
    await this.#mailbox.post(async () => {
      this.#settling = false;
      await this.#settleNow();
    });
  }

  async #settleNow(): Promise<void> {
    // A switch that waits for its turn decides anew, and is followed by another look.
    if (this.#stopped.signal.aborted || this.#queued > 0) return;
    const { view, loads } = this.#deps;
    for (const orphan of view().orphans) void this.#dropOrphan(orphan);
    this.#blameFallen();
    const { models, engines } = view();
    const choice = chooseDefault({
      models,
      engines,
      wish: this.#wish,
      current: this.#current?.modelId ?? null,
      failed: (offer) => loads.failure(offer) !== null || isDown(offer, engines),
      fits: (placed) => this.hasRoom(placed),
    });
    if (!choice) {
      if (this.#current && !this.#at(this.#current)) this.#unpoint();
      return;
    }
    const spot = spotOf(choice);
    const isNew = this.#current === null || !sameIds(spot, this.#current);
    if (choice.model.library !== null && this.#wish === null) {
      if (isNew) this.#pointAtLibrary(choice);
      return;
    }
    // One that the engine holds and that is not in memory now is brought back by the engine itself.
    if (!isNew && choice.offer.held !== null) return;
    const controller = new AbortController();
    this.#running = controller;
    const from = this.#answering;
    const id = randomBytes(6).toString('hex');
    if (from !== null) {
      const facts = { id, to: spot.modelId, from: from.modelId, engineId: spot.engineId };
      this.#record = beginSwitch(facts, this.#deps.clock.now());
    }
    const outcome = await this.#run(spot, controller, id);
    // What failed is not tried again by itself, so the next best is taken.
    if (outcome.kind === 'failed' || outcome.kind === 'rolled-back') void this.settle();
  }

  /** A default model that its engine has given up is not tried again by itself as soon as another one runs there. */
  #blameFallen(): void {
    const { view, loads } = this.#deps;
    const placed = this.#current && this.#at(this.#current);
    if (!placed || loads.failure(placed.offer) !== null || !isDown(placed.offer, view().engines)) return;
    loads.blame(placed.offer, 'Its engine failed too often. Look at the log of the engine, then switch to it again.');
  }

  /** An engine with a library loads at the first request: nothing of somebody else's is loaded before it is needed. */
  #pointAtLibrary(choice: Placed): void {
    const before = this.#answering && this.#at(this.#answering);
    this.#point(choice);
    this.#answering = this.#current;
    if (before) this.#leave(before, choice);
  }

  async #run(spot: Spot, controller: AbortController, id: string): Promise<SwitchOutcome> {
    const { clock, loads, logger } = this.#deps;
    const signal = AbortSignal.any([controller.signal, this.#stopped.signal]);
    const to = this.#at(spot);
    const from = this.#answering && this.#at(this.#answering);
    const show = (phase: SwitchSnapshot['phase'], error: AppError | null = null): void => {
      if (this.#record?.id !== id) return;
      this.#record = inPhase(this.#record, phase, clock.now(), error);
      this.changed.announce();
    };
    let outcome: SwitchOutcome = { kind: 'superseded' };
    if (!to) outcome = { kind: 'rolled-back', error: gone(spot.modelId) };
    else if (!signal.aborted) outcome = await runSwitch(to, from, this.#ports(show), signal);
    if (this.#running === controller) this.#running = null;
    this.#coming = null;
    this.changed.announce();
    if (outcome.kind === 'superseded') return outcome;
    if (outcome.kind !== 'done') {
      if (to && loads.failure(to.offer) === null) loads.blame(to.offer, outcome.error.message);
      logger.warn({ model: spot.modelId, engine: spot.engineId, code: outcome.error.code }, 'a switch was given up');
      show(outcome.kind, outcome.error);
      return outcome;
    }
    this.#answering = spot;
    logger.info({ model: spot.modelId, engine: spot.engineId }, 'the default model is another one');
    // Not waited for: the new one answers already, and the next switch need not wait for a long answer of the old one.
    if (to && from && this.#leave(from, to, () => show('done'))) show('unloading');
    else show('done');
    return outcome;
  }

  #ports(show: (phase: SwitchSnapshot['phase']) => void): SwitchPorts {
    const { fit, loads, warmUp } = this.#deps;
    return {
      fit,
      loaded: () => this.loaded(),
      inMemory: () => this.#heldAs(['loaded', 'unloading']),
      leaves: (from, to) => this.#leaves(from, to),
      load: (placed, signal) => {
        // With nothing to go back to, requests need not wait until the model has answered once.
        if (this.#answering !== null && placed.offer.held?.state !== 'loaded') this.#coming = spotOf(placed);
        // What is gone back to is loaded whatever becomes of the switch, but not in a node that stops.
        const either = AbortSignal.any([signal, this.#stopped.signal]);
        return loads.load(placed.model, placed.offer, this.loadOptions(placed.model), either);
      },
      // An engine that is being stopped unloads everything anyway.
      unload: async (placed, why) => {
        if (this.#stopped.signal.aborted) return;
        await loads.unload(placed.offer, this.#options.holdMs * hurriedShare, why);
      },
      warmUp,
      point: (placed) => this.#point(placed),
      phase: show,
    };
  }

  /** Everything in memory, at all engines. */
  loaded(): Placed[] {
    return this.#heldAs(['loaded']);
  }

  #heldAs(states: readonly EngineModel['state'][]): Placed[] {
    return this.#deps
      .view()
      .models.flatMap((model) =>
        model.offers.flatMap((offer) => (offer.held && states.includes(offer.held.state) ? [{ model, offer }] : [])),
      );
  }

  loadOptions(model: NodeModel): ReturnType<typeof loadOptionsOf> {
    return loadOptionsOf(optionsFor(model, this.#deps.options()));
  }

  /**
   * Whether the one before is ours to unload: pinned ones stay, and so do those of engines with a library of their own
   * or of somebody else, which know best when to forget.
   */
  #leaves({ model, offer }: Placed, now: Placed): boolean {
    const engine = this.#deps.view().engines.find(({ id }) => id === offer.engineId);
    const pinned = optionsFor(model, this.#deps.options()).pinned === true;
    const keepsItself = model.library !== null && offer.engineId !== now.offer.engineId;
    return !pinned && !keepsItself && engine?.ownership === 'owned';
  }

  /** Unloads the one before, if that is ours to do. False when there is nothing to do. */
  #leave(before: Placed, now: Placed, onGone: () => void = () => undefined): boolean {
    const placed = this.#at(spotOf(before));
    const state = placed?.offer.held?.state;
    if (!placed || sameSpot(placed, now) || (state !== 'loaded' && state !== 'loading')) return false;
    if (!this.#leaves(placed, now)) return false;
    void this.#deps.loads.unload(placed.offer, patientDrainMs, 'rest').then(onGone);
    return true;
  }

  async #loadBeside(spot: Spot): Promise<void> {
    const { fit, loads } = this.#deps;
    if (this.#stopped.signal.aborted) throw new AppError('shutting_down', 'The node is stopping.');
    const placed = this.#at(spot);
    if (!placed) throw gone(spot.modelId);
    if (placed.offer.held?.state === 'loaded') return;
    // What comes up by itself, or is still there, takes its room already.
    const state = placed.offer.held?.state;
    const needs = state === 'loading' || state === 'unloading' ? null : fit(placed);
    // The default model is let in: whatever else its engine has in memory may go for it.
    const isDefault = this.#current !== null && sameIds(spot, this.#current);
    if (needs && !isDefault && !this.hasRoom(placed)) throw noRoom(spot.modelId, needs);
    await loads.load(placed.model, placed.offer, this.loadOptions(placed.model), this.#stopped.signal);
  }

  async #dropOrphan({ engineId, modelId }: Orphan): Promise<void> {
    const { loads, logger } = this.#deps;
    const offer = { engineId, modelId, held: null };
    if (loads.leaving(offer) !== null) return;
    logger.warn({ engine: engineId, model: modelId }, 'the file of a loaded model is gone, so it is unloaded');
    await loads.unload(offer, patientDrainMs, 'rest');
  }

  #keep(wish: string): void {
    try {
      this.#deps.remember(wish);
    } catch (error) {
      // The switch itself went well; it holds until the node stops.
      this.#deps.logger.warn({ code: toAppError(error).code }, 'the choice of the model could not be kept');
    }
  }

  #point(placed: Placed): void {
    this.#current = spotOf(placed);
    this.#currentName = placed.offer.modelId;
    this.changed.announce();
  }

  #unpoint(): void {
    this.#current = null;
    this.#currentName = null;
    this.#answering = null;
    this.changed.announce();
  }

  #at(spot: Spot): Placed | null {
    const model = this.#deps.view().models.find(({ id }) => id === spot.modelId);
    const offer = model?.offers.find(({ engineId }) => engineId === spot.engineId);
    return model && offer ? { model, offer } : null;
  }
}

/** A file that lies outside the folders is found again by its path alone. */
function wishFor(model: NodeModel): string {
  return model.file?.chosen === true ? model.file.path : model.id;
}

function spotOf({ model, offer }: Placed): Spot {
  return { modelId: model.id, engineId: offer.engineId };
}

function sameIds(a: Spot, b: Spot): boolean {
  return a.modelId === b.modelId && a.engineId === b.engineId;
}

/** Whether the engine has given up on the model. */
function isDown(offer: Offer, engines: readonly EngineView[]): boolean {
  return engines.some((engine) => engine.id === offer.engineId && hasFailed(engine, offer.held));
}

function gone(modelId: string): AppError {
  return new AppError('model_not_found', `The model ${modelId} is no longer on this node.`);
}

function noEngine(modelId: string): AppError {
  return new AppError('engine_not_ready', `No engine that can load ${modelId} runs here. Start one, then try again.`, {
    context: { retryAfterS: null },
  });
}

function noRoom(modelId: string, fit: ModelFit): AppError {
  const message = `There is no room for ${modelId} beside the models that are loaded. ${fit.sentence} Switch to it, or unload another one.`;
  return new AppError('engine_not_ready', message, { context: { retryAfterS: null } });
}
