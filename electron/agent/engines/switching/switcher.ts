import { randomBytes } from 'node:crypto';
import type { ModelFit, SwitchSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { Mailbox } from '../../base/mailbox.ts';
import { pickOffer, type Placed } from '../placement/choose-default.ts';
import type { NodeModel, Orphan } from '../placement/node-models.ts';
import { offersOf, resolveModel } from '../placement/resolve-model.ts';
import { fitsBeside, LoadsBeside } from './loads-beside.ts';
import type { ModelLoads } from './model-loads.ts';
import { loadOptionsOf, optionsFor, type OptionsByName } from './model-options.ts';
import { nextDefault } from './next-default.ts';
import {
  heldAs,
  isDown,
  sameIds,
  leavesFor,
  placedAt,
  spotOf,
  type PlacementView,
  type Spot,
} from './placement-view.ts';
import { gone, noEngine } from './switch-errors.ts';
import { beginSwitch, inPhase } from './switch-record.ts';
import { runSwitch, sameSpot, type SwitchOutcome, type SwitchPorts } from './switch-run.ts';

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
  readonly #beside: LoadsBeside;
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
    this.#beside = new LoadsBeside({
      view: deps.view,
      fit: deps.fit,
      isDefault: (spot) => this.#isCurrent(spot),
      load: ({ model, offer }) => deps.loads.load(model, offer, this.loadOptions(model), this.#stopped.signal),
      post: (work) => this.#mailbox.post(work),
      stopped: this.#stopped.signal,
      onOver: () => this.changed.announce(),
    });
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
    return this.#beside.want(spot);
  }

  /** Whether the model is on its way because of a switch or a request. */
  isComing(spot: Spot): boolean {
    const isTarget = this.#coming !== null && sameIds(spot, this.#coming);
    return isTarget || this.#beside.has(spot);
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
    return fitsBeside(this.#deps.fit(placed));
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
    const next = nextDefault({
      view: view(),
      wish: this.#wish,
      current: this.#current,
      failed: (offer) => loads.failure(offer) !== null,
      fits: (placed) => this.hasRoom(placed),
    });
    switch (next.kind) {
      case 'stays':
        return;
      case 'none':
        this.#unpoint();
        return;
      case 'on-demand':
        this.#pointAhead(next.choice);
        return;
      case 'switch':
        await this.#switchBySelf(next.spot);
    }
  }

  async #switchBySelf(spot: Spot): Promise<void> {
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

  /** Its engine loads it at the first request. */
  #pointAhead(choice: Placed): void {
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
      inMemory: () => heldAs(this.#deps.view(), ['loaded', 'unloading']),
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
    return heldAs(this.#deps.view(), ['loaded']);
  }

  loadOptions(model: NodeModel): ReturnType<typeof loadOptionsOf> {
    return loadOptionsOf(optionsFor(model, this.#deps.options()));
  }

  /** Whether the one before is unloaded, see {@link leavesFor}. */
  #leaves(before: Placed, now: Placed): boolean {
    const { view, options } = this.#deps;
    return leavesFor(view(), before, now, optionsFor(before.model, options()).pinned === true);
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
    return placedAt(this.#deps.view(), spot);
  }

  #isCurrent(spot: Spot): boolean {
    return this.#current !== null && sameIds(spot, this.#current);
  }
}

/** A file that lies outside the folders is found again by its path alone. */
function wishFor(model: NodeModel): string {
  return model.file?.chosen === true ? model.file.path : model.id;
}
