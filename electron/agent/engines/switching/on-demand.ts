import { pickOffer, type Placed } from '../placement/choose-default.ts';
import type { EngineModel } from '../engine.ts';
import type { NodeModel } from '../placement/node-models.ts';
import type { ModelLoads } from './model-loads.ts';
import type { PlacementView, Spot } from './placement-view.ts';
import { spotKey } from './uses.ts';

export interface OnDemandDeps {
  readonly view: () => PlacementView;
  /** Another number whenever the view, or the memory that is free, may be another one. */
  readonly stamp: () => number;
  readonly loads: ModelLoads;
  readonly hasRoom: (placed: Placed) => boolean;
}

/** Which models a request may bring into memory by naming them. Asked for every request, reckoned after a change. */
export class OnDemand {
  readonly #allowed: boolean;
  readonly #deps: OnDemandDeps;
  #reckoned: { readonly stamp: number; readonly spots: ReadonlySet<string> } | null = null;

  /** `allowed`: `models.onDemand`. */
  constructor(options: { readonly allowed: boolean }, deps: OnDemandDeps) {
    this.#allowed = options.allowed;
    this.#deps = deps;
  }

  mayLoad({ modelId, engineId }: Spot): boolean {
    if (!this.#allowed) return false;
    const stamp = this.#deps.stamp();
    if (this.#reckoned?.stamp !== stamp) this.#reckoned = { stamp, spots: this.#spots() };
    return this.#reckoned.spots.has(spotKey(engineId, modelId));
  }

  /**
   * Models that are nowhere in memory, each at the engine that would get it, as far as there is room; and those that go
   * only because nobody needed them: who is asked for stays.
   */
  #spots(): ReadonlySet<string> {
    const { view, loads, hasRoom } = this.#deps;
    const { models, engines } = view();
    const spots = new Set<string>();
    for (const model of models) {
      for (const offer of model.offers) {
        if (loads.leaving(offer) === 'rest') spots.add(spotKey(offer.engineId, model.id));
      }
      if (model.selfTest || model.offers.some(({ held }) => comesBy(held, model))) continue;
      const unspoilt = model.offers.filter((each) => loads.failure(each) === null);
      const offer = pickOffer(unspoilt, engines, false);
      if (offer && hasRoom({ model, offer })) spots.add(spotKey(offer.engineId, model.id));
    }
    return spots;
  }
}

/** Whether the model is in memory or on its way. A file that an engine holds comes back with the engine. */
function comesBy(held: EngineModel | null, { file }: NodeModel): boolean {
  return held !== null && (file !== null || held.state !== 'idle');
}
