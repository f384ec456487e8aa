import { chooseDefault, type Placed } from '../placement/choose-default.ts';
import type { Offer } from '../placement/node-models.ts';
import { isDown, sameIds, placedAt, spotOf, type PlacementView, type Spot } from './placement-view.ts';

export interface NextDefaultQuestion {
  readonly view: PlacementView;
  /** What the operator named, as a path or a name; null when nothing. */
  readonly wish: string | null;
  /** Where requests go now that name no model. */
  readonly current: Spot | null;
  /** Places where loading failed. */
  readonly failed: (offer: Offer) => boolean;
  readonly fits: (placed: Placed) => boolean;
}

/** What becomes of the default model now that engines or models have changed. */
export type NextDefault =
  | { readonly kind: 'stays' }
  /** It is gone, and there is no other. */
  | { readonly kind: 'none' }
  /** Requests go to a model that its engine loads at the first of them. */
  | { readonly kind: 'on-demand'; readonly choice: Placed }
  /** It has to be loaded. */
  | { readonly kind: 'switch'; readonly spot: Spot };

/** Decides what a node should answer with. Pure. */
export function nextDefault({ view, wish, current, failed, fits }: NextDefaultQuestion): NextDefault {
  const { models, engines } = view;
  const choice = chooseDefault({
    models,
    engines,
    wish,
    current: current?.modelId ?? null,
    failed: (offer) => failed(offer) || isDown(offer, engines),
    fits,
  });
  if (!choice) return { kind: current && !placedAt(view, current) ? 'none' : 'stays' };
  const spot = spotOf(choice);
  const isNew = current === null || !sameIds(spot, current);
  // An engine with a library loads by itself: nothing of somebody else's is loaded before it is needed.
  if (choice.model.library !== null && wish === null) return isNew ? { kind: 'on-demand', choice } : { kind: 'stays' };
  // One that the engine holds and that is not in memory now is brought back by the engine itself.
  if (!isNew && choice.offer.held !== null) return { kind: 'stays' };
  return { kind: 'switch', spot };
}
