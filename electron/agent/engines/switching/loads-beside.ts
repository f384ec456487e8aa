import type { ModelFit } from '../../../contract/snapshot.ts';
import { AppError } from '../../base/errors.ts';
import type { Placed } from '../placement/choose-default.ts';
import { placedAt, type PlacementView, type Spot } from './placement-view.ts';
import { gone, noRoom } from './switch-errors.ts';
import { spotKey } from './uses.ts';

export interface LoadsBesideDeps {
  readonly view: () => PlacementView;
  readonly fit: (placed: Placed) => ModelFit | null;
  readonly isDefault: (spot: Spot) => boolean;
  readonly load: (placed: Placed) => Promise<void>;
  /** Runs it when it is its turn. */
  readonly post: (work: () => Promise<void>) => Promise<void>;
  /** The node stops: nothing is begun any more. */
  readonly stopped: AbortSignal;
  /** A load is over. */
  readonly onOver: () => void;
}

/** Whether a model of that fit goes into memory beside those that are loaded. */
export function fitsBeside(fit: ModelFit | null): boolean {
  const verdict = fit?.verdict ?? 'unknown';
  return verdict === 'fits' || verdict === 'unknown';
}

/** Loads models beside the default one, for callers who name them. */
export class LoadsBeside {
  readonly #deps: LoadsBesideDeps;
  readonly #wanted = new Map<string, Promise<void>>();

  constructor(deps: LoadsBesideDeps) {
    this.#deps = deps;
  }

  has({ engineId, modelId }: Spot): boolean {
    return this.#wanted.has(spotKey(engineId, modelId));
  }

  /** Several callers wait for the same load. Rejects when there is no room. */
  want(spot: Spot): Promise<void> {
    const key = spotKey(spot.engineId, spot.modelId);
    const under = this.#wanted.get(key);
    if (under) return under;
    const wanted = this.#deps
      .post(() => this.#load(spot))
      .finally(() => {
        this.#wanted.delete(key);
        this.#deps.onOver();
      });
    this.#wanted.set(key, wanted);
    return wanted;
  }

  async #load(spot: Spot): Promise<void> {
    const { view, fit, isDefault, load, stopped } = this.#deps;
    if (stopped.aborted) throw new AppError('shutting_down', 'The node is stopping.');
    const placed = placedAt(view(), spot);
    if (!placed) throw gone(spot.modelId);
    const state = placed.offer.held?.state;
    if (state === 'loaded') return;
    // What comes up by itself, or is still there, takes its room already.
    const needs = state === 'loading' || state === 'unloading' ? null : fit(placed);
    // The default model is let in: whatever else its engine has in memory may go for it.
    if (needs && !isDefault(spot) && !fitsBeside(needs)) throw noRoom(spot.modelId, needs);
    await load(placed);
  }
}
