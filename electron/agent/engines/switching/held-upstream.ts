import type { EngineKind } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { InferenceRequest, Operation } from '../../inference/request.ts';
import type { Capability, ServedModel, Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import type { Engine } from '../engine.ts';
import { detailsOf } from '../model-details.ts';
import type { Placed } from '../placement/choose-default.ts';
import { isUsable } from '../placement/engine-view.ts';
import type { ModelLoads } from './model-loads.ts';
import type { PlacementView, Spot } from './placement-view.ts';
import type { Switcher } from './switcher.ts';
import { spotKey, type Uses } from './uses.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface HeldUpstreamOptions {
  /** `models.holdMs`. */
  readonly holdMs: number;
}

export interface HeldUpstreamDeps {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly engineOf: (id: string) => Engine;
  readonly view: () => PlacementView;
  readonly switcher: Switcher;
  readonly loads: ModelLoads;
  readonly uses: Uses;
  readonly room: WaitingRoom;
  /** Whether a model that is not in memory may be brought in by a request, because that is allowed and there is room. */
  readonly onDemand: (spot: Spot) => boolean;
  /** Another number whenever one of the above may answer differently. */
  readonly stamp: () => number;
}

/** An engine that fell is back within seconds, or not soon. */
export const recoveryMs = 15_000;

/**
 * What an engine can do at most with a model that it has not loaded; the others tell by themselves once they have. The
 * catalogue says which of these the model's file is good for, such as tools where its template knows them.
 */
const abilities: Partial<Record<EngineKind, readonly Capability[]>> = {
  embedded: ['chat', 'completion', 'embedding', 'json', 'tools'],
  bitnet: ['chat', 'completion', 'json'],
};

const allOperations: readonly Operation[] = ['chat', 'completion', 'embedding'];

/** What a request finds: its model, or a reason to wait for it. */
type Finding =
  | { readonly kind: 'go'; readonly placed: Placed }
  | { readonly kind: 'wait' | 'recover'; readonly sentence: string }
  /** It waits too, and its model has to be asked for first. */
  | { readonly kind: 'want'; readonly spot: Spot; readonly sentence: string };

/**
 * An engine as the gateway sees it: with the models that are in memory, on their way, or brought in by being asked for.
 * A request for one that is not in memory waits for it, for a bounded time; it is never answered by another model than
 * the caller named.
 */
export class HeldUpstream implements Upstream {
  readonly #options: HeldUpstreamOptions;
  readonly #deps: HeldUpstreamDeps;
  /** Of the engine when it last had some: those who wait for it are let in as if it were there. */
  #slots = 1;
  #listing: { readonly stamp: number; readonly known: number; readonly models: readonly ServedModel[] } | null = null;

  constructor(options: HeldUpstreamOptions, deps: HeldUpstreamDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  describe(): UpstreamDescription {
    const { engine, switcher } = this.#deps;
    const base = engine.upstream.describe();
    if (base.slots > 0) this.#slots = base.slots;
    const models = this.#models(base);
    const { current } = switcher;
    const isHere = current?.engineId === engine.id && models.some(({ id }) => id === current.modelId);
    return {
      ...base,
      operations: operationsOf(base, models),
      ready: models.length > 0 && (base.ready || this.#mayBeWaitedFor()),
      models,
      defaultModel: isHere ? current.modelId : null,
      slots: base.slots > 0 ? base.slots : this.#slots,
    };
  }

  async generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const { clock, uses, engineOf } = this.#deps;
    const deadlineMs = clock.monotonic() + this.#options.holdMs;
    for (;;) {
      const { offer } = await this.#place(request, signal);
      const send = (): Promise<WireResponse> =>
        engineOf(offer.engineId).upstream.generate(addressed(request, offer.modelId), signal);
      try {
        return await uses.count(spotKey(offer.engineId, offer.modelId), send);
      } catch (error) {
        // Between the look and the sending the model may have begun to go: then it is looked again.
        const isOver = signal.aborted || clock.monotonic() >= deadlineMs;
        if (isOver || toAppError(error).code !== 'engine_not_ready') throw error;
        await this.#nextChange(toAppError(error), signal);
      }
    }
  }

  /** Of a model that is in memory only. */
  async countTokens(model: string, body: Buffer, signal: AbortSignal): Promise<number | null> {
    const { engine, view } = this.#deps;
    const offers = view().models.find(({ id }) => id === model)?.offers ?? [];
    const offer = offers.find(({ engineId }) => engineId === engine.id);
    if (offer?.held?.state !== 'loaded') return null;
    return (await engine.upstream.countTokens?.(offer.modelId, body, signal)) ?? null;
  }

  /** Resolves when the model is in memory and its engine takes requests. */
  async #place(request: InferenceRequest, signal: AbortSignal): Promise<Placed> {
    const first = this.#look(request);
    if (first.kind === 'go') return first.placed;
    const { room, switcher } = this.#deps;
    const asked = { under: false, failure: null as AppError | null };
    const ask = (spot: Spot): void => {
      asked.under = true;
      void switcher
        .want(spot)
        .catch((error: unknown) => (asked.failure = toAppError(error)))
        .finally(() => {
          asked.under = false;
          room.look();
        });
    };
    const limitMs = first.kind === 'recover' ? Math.min(recoveryMs, this.#options.holdMs) : this.#options.holdMs;
    return room.wait<Placed>(
      () => {
        if (asked.failure) throw asked.failure;
        // What comes of its own asking is told to a request by the answer to it.
        if (asked.under) return null;
        const found = this.#look(request);
        if (found.kind === 'want') ask(found.spot);
        return found.kind === 'go' ? found.placed : null;
      },
      { limitMs, sentence: first.sentence, signal },
    );
  }

  /** @throws AppError when waiting makes no sense */
  #look(request: InferenceRequest): Finding {
    const { engine, switcher } = this.#deps;
    const planned = { modelId: request.model, engineId: engine.id };
    if (request.byDefault !== true) return this.#lookFor(planned);
    // As long as the model that was the default when the request was planned takes requests, it gets this one.
    if (this.#takes(planned)) return this.#lookFor(planned);
    if (!switcher.current) throw new AppError('engine_not_ready', engine.snapshot().sentence);
    return this.#lookFor(switcher.current);
  }

  #takes({ modelId, engineId }: Spot): boolean {
    const { view, switcher, loads, engine } = this.#deps;
    const model = view().models.find(({ id }) => id === modelId);
    const offer = model?.offers.find((each) => each.engineId === engineId);
    if (offer?.held?.state !== 'loaded' || loads.leaving(offer) !== null) return false;
    return !switcher.isComing({ modelId, engineId }) && engine.upstream.describe().ready;
  }

  #lookFor(spot: Spot): Finding {
    const { engineOf, view, switcher, loads } = this.#deps;
    const { models } = view();
    const model = models.find(({ id }) => id === spot.modelId);
    const offer = model?.offers.find(({ engineId }) => engineId === spot.engineId);
    if (!model || !offer) throw notHere(spot.modelId, model !== undefined);

    const leaving = loads.leaving(offer);
    const state = offer.held?.state;
    const isReady = engineOf(spot.engineId).upstream.describe().ready;
    const sentence = `The model ${model.id} is being loaded.`;
    if (switcher.isComing(spot)) return { kind: 'wait', sentence };
    if (leaving === null && state === 'loaded' && isReady) return { kind: 'go', placed: { model, offer } };
    if (loads.isArriving(offer) || state === 'loading') return { kind: 'wait', sentence };
    const isDefault = switcher.current?.modelId === spot.modelId && switcher.current.engineId === spot.engineId;
    if (isDefault && switcher.isBusy) return { kind: 'wait', sentence };
    if (leaving === 'room') throw makesRoom(model.id);
    const usable = this.#isUsable(spot.engineId);
    if (leaving === 'rest' && !(usable && this.#deps.onDemand(spot))) {
      return { kind: 'wait', sentence: `The model ${model.id} is being unloaded.` };
    }
    if (usable && (this.#deps.onDemand(spot) || (isDefault && model.library !== null))) {
      return { kind: 'want', spot, sentence };
    }
    if (usable && offer.held !== null && engineOf(spot.engineId).upstream.describe().comesUp !== false) {
      return { kind: 'recover', sentence: 'The engine is coming up again.' };
    }
    if (!usable || isDefault) throw new AppError('engine_not_ready', engineOf(spot.engineId).snapshot().sentence);
    const failure = loads.failure(offer);
    if (failure !== null) throw new AppError('model_unusable', `The model ${model.id} could not be loaded. ${failure}`);
    throw notLoaded(model.id);
  }

  /** What this engine has or can be asked for. Read for every request, so it is reckoned anew only after a change. */
  #models(base: UpstreamDescription): readonly ServedModel[] {
    const stamp = this.#deps.stamp();
    const known = base.models.length;
    if (this.#listing?.stamp === stamp && this.#listing.known === known) return this.#listing.models;
    const models = this.#deps.view().models.flatMap((model) => {
      const offer = model.offers.find(({ engineId }) => engineId === this.#deps.engine.id);
      return (offer && this.#served({ model, offer }, base)) ?? [];
    });
    this.#listing = { stamp, known, models };
    return models;
  }

  #served({ model, offer }: Placed, base: UpstreamDescription): ServedModel | null {
    const { loads, switcher, engine } = this.#deps;
    const spot = { modelId: model.id, engineId: engine.id };
    const isDefault = switcher.current?.modelId === model.id && switcher.current.engineId === engine.id;
    const isFile = model.file !== null;
    const state = offer.held?.state;
    const listed =
      isDefault ||
      state === 'loaded' ||
      state === 'loading' ||
      state === 'unloading' ||
      // A file that the engine holds although it is not in memory comes back with the engine.
      (isFile && offer.held !== null) ||
      loads.isArriving(offer) ||
      loads.leaving(offer) !== null ||
      switcher.isComing(spot) ||
      this.#deps.onDemand(spot);
    if (!listed) return null;
    const told = base.models.find(({ id }) => id === offer.modelId);
    const loaded = state === 'loaded' && loads.leaving(offer) === null && !switcher.isComing(spot);
    // What an engine tells of a model that it is only loading is not yet the whole truth.
    if (told && state === 'loaded') return { ...told, id: model.id, loaded };
    const can: readonly Capability[] = abilities[engine.kind] ?? model.capabilities;
    return {
      id: model.id,
      contextLength: offer.held?.contextLength ?? null,
      capabilities: model.capabilities.filter((each) => can.includes(each)),
      sizeBytes: model.sizeBytes,
      loaded,
      createdAtS: Math.floor(model.arrivedMs / 1_000),
      ...(told?.details ? { details: told.details } : model.file && { details: detailsOf(model.file) }),
    };
  }

  /** Whether a request may come in though the engine takes none at this moment. */
  #mayBeWaitedFor(): boolean {
    const { engine, clock } = this.#deps;
    if (!this.#isUsable(engine.id)) return false;
    const { state, nextTryAt } = engine.snapshot();
    // After several falls the pauses grow: then the caller is told, instead of waiting in vain.
    return state !== 'backoff' || nextTryAt === null || Date.parse(nextTryAt) - clock.now() < recoveryMs;
  }

  #isUsable(engineId: string): boolean {
    const engine = this.#deps.view().engines.find(({ id }) => id === engineId);
    return engine !== undefined && isUsable(engine);
  }

  async #nextChange(error: AppError, signal: AbortSignal): Promise<void> {
    let looks = 0;
    const changed = (): true | null => (looks++ > 0 ? true : null);
    await this.#deps.room.wait(changed, { limitMs: recoveryMs, sentence: error.message, signal });
  }
}

/** What the engine can do now, and what it will with the models that are on their way. */
function operationsOf(base: UpstreamDescription, models: readonly ServedModel[]): readonly Operation[] {
  const coming = models.filter(({ loaded }) => !loaded);
  if (coming.length === 0) return base.operations;
  return allOperations.filter(
    (operation) =>
      base.operations.includes(operation) || coming.some(({ capabilities }) => capabilities.includes(operation)),
  );
}

/** The request with the name that the engine has for the model, where callers use another one. */
function addressed(request: InferenceRequest, modelId: string): InferenceRequest {
  if (request.model === modelId) return request;
  const body = { ...(JSON.parse(request.body.toString('utf8')) as object), model: modelId };
  return { ...request, model: modelId, body: Buffer.from(JSON.stringify(body)) };
}

function notHere(modelId: string, elsewhere: boolean): AppError {
  if (elsewhere) return new AppError('engine_not_ready', `The model ${modelId} has gone to another engine. Try again.`);
  const message = `The model ${modelId} is no longer on this node. GET /v1/models lists those that are.`;
  return new AppError('model_not_found', message, { context: { param: 'model' } });
}

function makesRoom(modelId: string): AppError {
  const message = `The model ${modelId} makes room for another one. Name the new one or ranch/auto, or switch back: ranch-hand models use ${modelId}.`;
  return new AppError('engine_not_ready', message, { context: { retryAfterS: null } });
}

function notLoaded(modelId: string): AppError {
  const message = `The model ${modelId} is not loaded, and there is no room for it beside the others. Switch to it: ranch-hand models use ${modelId}.`;
  return new AppError('engine_not_ready', message, { context: { retryAfterS: null } });
}
