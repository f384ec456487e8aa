import { isThere, isUsable, type EngineView } from './engine-view.ts';
import type { NodeModel, Offer } from './node-models.ts';
import { findModel, offersOf } from './resolve-model.ts';

/** A model at one engine. */
export interface Placed {
  readonly model: NodeModel;
  readonly offer: Offer;
}

export interface DefaultQuestion {
  readonly models: readonly NodeModel[];
  readonly engines: readonly EngineView[];
  /** What the operator named, as a path or a name; null when nothing. */
  readonly wish: string | null;
  /** Id of the model that is the default one now. */
  readonly current: string | null;
  /** Places where loading failed; they are not tried again by themselves. */
  readonly failed: (offer: Offer) => boolean;
  readonly fits: (placed: Placed) => boolean;
}

/**
 * The model for callers who name none, and where it runs: the operator's choice; else a model of an engine that has its
 * own (loaded before not loaded, then the latest); else the latest model file; else the self-test model. The present
 * one stays as long as nothing of a better kind is there: which of two equals the node has is the operator's choice.
 */
export function chooseDefault(question: DefaultQuestion): Placed | null {
  const { models, wish } = question;
  const meant = wish === null ? null : findModel(models, wish);
  if (meant) {
    const offer = firstUsable(offersOf(meant), question);
    if (offer) return { model: meant.model, offer };
  }
  const candidates = models.flatMap((model): Placed[] => {
    if (!model.capabilities.some((each) => each === 'chat' || each === 'completion')) return [];
    const offer = firstUsable(model.offers, question);
    return offer ? [{ model, offer }] : [];
  });
  const kinds: readonly ((placed: Placed) => boolean)[] = [
    (placed) => ofEngine(placed, question.engines),
    ({ model }) => model.file !== null && !model.selfTest,
    ({ model }) => model.selfTest,
  ];
  for (const isOfKind of kinds) {
    const best = bestOf(candidates.filter(isOfKind), question);
    if (best) return best;
  }
  return null;
}

/** The first engine of a model that may be given it; those that failed count only where the operator asks outright. */
export function pickOffer(offers: readonly Offer[], engines: readonly EngineView[], outright: boolean): Offer | null {
  const viewOf = (offer: Offer): EngineView | undefined => engines.find(({ id }) => id === offer.engineId);
  const usable = offers.find((offer) => {
    const engine = viewOf(offer);
    return engine !== undefined && isUsable(engine);
  });
  if (usable || !outright) return usable ?? null;
  return (
    offers.find((offer) => {
      const engine = viewOf(offer);
      return engine !== undefined && isThere(engine);
    }) ?? null
  );
}

function firstUsable(offers: readonly Offer[], { engines, failed }: DefaultQuestion): Offer | null {
  return pickOffer(
    offers.filter((offer) => !failed(offer)),
    engines,
    false,
  );
}

/** Whether the model is the engine's own, as an Ollama's, or is loaded in one that somebody else runs. */
function ofEngine({ model, offer }: Placed, engines: readonly EngineView[]): boolean {
  if (model.library !== null) return true;
  return offer.held !== null && engines.some(({ id, ownership }) => id === offer.engineId && ownership === 'adopted');
}

function bestOf(placed: readonly Placed[], { current, fits }: DefaultQuestion): Placed | null {
  const same = placed.find(({ model }) => model.id === current);
  if (same) return same;
  const isLoaded = ({ offer, model }: Placed): boolean => model.library !== null && offer.held?.state === 'loaded';
  const latest = placed.toSorted(
    (a, b) => Number(isLoaded(b)) - Number(isLoaded(a)) || b.model.arrivedMs - a.model.arrivedMs,
  );
  return latest.find((each) => isLoaded(each) || fits(each)) ?? latest[0] ?? null;
}
