import type { EngineModel } from '../engine.ts';
import type { Placed } from '../placement/choose-default.ts';
import { hasFailed, type EngineView } from '../placement/engine-view.ts';
import type { NodeModel, Offer, Orphan } from '../placement/node-models.ts';

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

export function spotOf({ model, offer }: Placed): Spot {
  return { modelId: model.id, engineId: offer.engineId };
}

export function sameIds(a: Spot, b: Spot): boolean {
  return a.modelId === b.modelId && a.engineId === b.engineId;
}

/** What is there now; null when the model is gone from the node, or from that engine. */
export function placedAt({ models }: PlacementView, spot: Spot): Placed | null {
  const model = models.find(({ id }) => id === spot.modelId);
  const offer = model?.offers.find(({ engineId }) => engineId === spot.engineId);
  return model && offer ? { model, offer } : null;
}

/** Everything that an engine holds in one of these states. */
export function heldAs({ models }: PlacementView, states: readonly EngineModel['state'][]): Placed[] {
  return models.flatMap((model) =>
    model.offers.flatMap((offer) => (offer.held && states.includes(offer.held.state) ? [{ model, offer }] : [])),
  );
}

/**
 * Whether `before` is ours to unload once `now` answers: pinned ones stay, and so do those of engines with a library of
 * their own or of somebody else, which know best when to forget.
 */
export function leavesFor({ engines }: PlacementView, { model, offer }: Placed, now: Placed, pinned: boolean): boolean {
  const engine = engines.find(({ id }) => id === offer.engineId);
  const keepsItself = model.library !== null && offer.engineId !== now.offer.engineId;
  return !pinned && !keepsItself && engine?.ownership === 'owned';
}

/** Whether the engine has given up on the model. */
export function isDown(offer: Offer, engines: readonly EngineView[]): boolean {
  return engines.some((engine) => engine.id === offer.engineId && hasFailed(engine, offer.held));
}
