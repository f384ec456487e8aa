import type { Variant } from '../../../contract/control.ts';
import type { ModelFit, ModelSnapshot } from '../../../contract/snapshot.ts';
import { AppError } from '../../base/errors.ts';
import { canonicalQuantization, expectedSize, qualityOf, quantizationFacts } from '../quantization.ts';

/** A model of this node, as far as its quantizations go. `path` is null for one that Ollama keeps. */
export type LocalModel = Pick<
  ModelSnapshot,
  | 'id'
  | 'name'
  | 'group'
  | 'quantization'
  | 'sizeBytes'
  | 'loaded'
  | 'origin'
  | 'path'
  | 'parameters'
  | 'fit'
  | 'selfTest'
>;

/** A quantization that can be fetched. */
export interface Offer {
  /** As the place writes it, upper case. */
  readonly quantization: string;
  /** For `models.pull`. */
  readonly reference: string;
  readonly sizeBytes: number;
}

/** What decides the fit of a variant that is not here. */
export interface VariantToFit {
  readonly quantization: string;
  readonly sizeBytes: number;
  readonly parameters: number | null;
  /** Id of a model of the same shape that is here; null when there is none. */
  readonly like: string | null;
}

export interface ListFacts {
  readonly here: readonly LocalModel[];
  readonly offers: readonly Offer[];
  /** What can be made here from such a model, upper case. */
  readonly madeFrom: (source: LocalModel) => readonly string[];
  readonly fitOf: (variant: VariantToFit) => ModelFit | null;
}

const sources = ['BF16', 'F16', 'F32'];

/** The quantizations side by side: the best first, and of each what is here before what can be had. */
export function listVariants(facts: ListFacts): Variant[] {
  const { here, offers } = facts;
  const parameters = here.find((model) => model.parameters !== null)?.parameters ?? null;
  const like = here[0]?.id ?? null;
  const rows: Variant[] = here.map((model) => {
    const quantization = model.quantization ?? 'unknown';
    return {
      ...known(quantization, model.sizeBytes, model.parameters ?? parameters),
      model: model.id,
      loaded: model.loaded,
      get: null,
      fit: model.fit,
    };
  });
  for (const { quantization, reference, sizeBytes } of offers) {
    if (rows.some((row) => row.model !== null && sameName(row.quantization, quantization))) continue;
    rows.push({
      ...known(quantization, sizeBytes, parameters),
      model: null,
      loaded: false,
      get: { kind: 'pull', reference },
      fit: facts.fitOf({ quantization, sizeBytes, parameters, like }),
    });
  }
  rows.push(...makeable(facts, rows));
  return rows.sort(
    (a, b) =>
      (b.bitsPerWeight ?? 0) - (a.bitsPerWeight ?? 0) ||
      Number(a.model === null) - Number(b.model === null) ||
      (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0),
  );
}

/**
 * The variant to take for a quantization: one that is here, else one to fetch, else one to make.
 *
 * @throws AppError `model_not_found` that says which there are
 */
export function variantFor(name: string, variants: readonly Variant[], quantization: string): Variant {
  const wanted = quantization.toUpperCase();
  const rank = ({ model, get }: Variant): number => (model !== null ? 0 : get?.kind === 'pull' ? 1 : 2);
  const candidates = variants.filter((variant) => sameName(variant.quantization, wanted));
  const exact = candidates.filter((variant) => variant.quantization.toUpperCase() === wanted);
  const [best] = [...(exact.length > 0 ? exact : candidates)].sort((a, b) => rank(a) - rank(b));
  if (best) return best;
  const there = [...new Set(variants.map((variant) => variant.quantization))].join(', ');
  throw new AppError(
    'model_not_found',
    there === '' ? `No quantization of ${name} is known.` : `There is no ${wanted} of ${name}. There are: ${there}.`,
  );
}

function makeable({ here, madeFrom, fitOf }: ListFacts, rows: readonly Variant[]): Variant[] {
  const source = here
    .filter((model) => sources.includes(model.quantization ?? ''))
    .sort((a, b) => sources.indexOf(a.quantization ?? '') - sources.indexOf(b.quantization ?? ''))[0];
  if (!source) return [];
  return madeFrom(source)
    .filter((quantization) => !rows.some((row) => sameName(row.quantization, quantization)))
    .map((quantization) => {
      const sizeBytes = source.parameters === null ? null : expectedSize(source.parameters, quantization);
      const fit =
        sizeBytes === null ? null : fitOf({ quantization, sizeBytes, parameters: source.parameters, like: source.id });
      return {
        ...known(quantization, sizeBytes, source.parameters),
        model: null,
        loaded: false,
        get: { kind: 'quantize', from: source.id },
        fit,
      };
    });
}

/** Bits of this very model where its weights are counted, else of the usual model. */
function known(
  quantization: string,
  sizeBytes: number | null,
  parameters: number | null,
): Pick<Variant, 'quantization' | 'sizeBytes' | 'bitsPerWeight' | 'quality'> {
  const counted = sizeBytes !== null && parameters !== null && parameters > 0 ? (8 * sizeBytes) / parameters : null;
  const facts = quantizationFacts(quantization);
  return {
    quantization,
    sizeBytes,
    bitsPerWeight: counted === null ? (facts?.bitsPerWeight ?? null) : Math.round(counted * 100) / 100,
    quality: qualityOf(quantization),
  };
}

/** UD-Q4_K_XL is found as Q4_K_XL too, FP16 as F16. */
function sameName(a: string, b: string): boolean {
  const plain = (name: string): string => canonicalQuantization(name) ?? name.toUpperCase();
  return plain(a) === plain(b);
}
