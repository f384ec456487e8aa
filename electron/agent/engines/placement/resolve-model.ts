import { AppError } from '../../base/errors.ts';
import type { NodeModel, Offer } from './node-models.ts';

/** What an operator meant: a model, and the engine if one was named with it. */
export interface Meant {
  readonly model: NodeModel;
  /** The part after the `@`, where the name is not itself an id. */
  readonly engineId: string | null;
}

/**
 * The model that an operator's word stands for: an id; a path; an id with `@engine`; or the name that the variants of
 * one model share, with the quantization. Upper and lower case are alike where no id fits exactly.
 *
 * @throws AppError `model_not_found`
 */
export function resolveModel(models: readonly NodeModel[], name: string, quantization?: string): Meant {
  const meant = findModel(models, name, quantization);
  if (meant) return meant;
  const wanted = quantization === undefined ? '' : ` in ${quantization.slice(0, 40)}`;
  throw new AppError(
    'model_not_found',
    `There is no model "${name.slice(0, 128)}"${wanted} on this node. Get it with: ranch-hand models pull NAME, or name another.`,
  );
}

/** See {@link resolveModel}; null when there is none. */
export function findModel(models: readonly NodeModel[], name: string, quantization?: string): Meant | null {
  const direct = byName(models, name);
  if (quantization === undefined) return direct;
  const sought = quantization.toLowerCase();
  if (direct?.model.quantization?.toLowerCase() === sought) return direct;
  // Any variant names its siblings: `qwen3-8b-q4_k_m` in Q8_0 is `qwen3-8b-q8_0`.
  const group = direct?.model.group ?? name.toLowerCase();
  const sibling = models.find((model) => model.group === group && model.quantization?.toLowerCase() === sought);
  return sibling ? { model: sibling, engineId: direct?.engineId ?? null } : null;
}

function byName(models: readonly NodeModel[], name: string): Meant | null {
  const exact = models.find((model) => model.id === name) ?? models.find((model) => model.file?.path === name);
  if (exact) return { model: exact, engineId: null };
  const lower = name.toLowerCase();
  const alike =
    models.find((model) => model.id.toLowerCase() === lower) ??
    only(models.filter((model) => model.group === lower && model.problem === null));
  if (alike) return { model: alike, engineId: null };
  const at = lower.lastIndexOf('@');
  if (at <= 0) return null;
  const [stem, engineId] = [lower.slice(0, at), lower.slice(at + 1)];
  const there = byName(models, stem);
  if (!there?.model.offers.some((offer) => offer.engineId === engineId)) return null;
  return { model: there.model, engineId };
}

/** The name of a group means a model only while that has no siblings: nothing is chosen for the operator. */
function only(models: readonly NodeModel[]): NodeModel | undefined {
  return models.length === 1 ? models[0] : undefined;
}

/** Where the meant model may be loaded: everywhere, or at the engine that was named. */
export function offersOf({ model, engineId }: Meant): readonly Offer[] {
  return engineId === null ? model.offers : model.offers.filter((offer) => offer.engineId === engineId);
}
