import type { Variant } from '../../contract/control.ts';

/** What is known of a quantization, whatever the model. */
export interface QuantizationFacts {
  /** As llama.cpp writes it, such as Q4_K_M. */
  readonly name: string;
  /** On average over a whole model of usual shape. */
  readonly bitsPerWeight: number;
  /** Growth of perplexity against F16, percent. */
  readonly perplexityPercent: number | null;
  /** The same where it was made with an importance matrix, percent. */
  readonly withMatrixPercent: number | null;
  /** Share of places where it finds the same token most likely as F16 does, percent. */
  readonly sameTopTokenPercent: number | null;
}

/** Where the figures of quality come from. */
const qualitySource =
  'Llama-3-8B on wikitext: llama.cpp, tools/perplexity/README.md and tools/quantize/README.md, pull request 6936';

type Row = readonly [
  name: string,
  bits: number,
  perplexity: number | null,
  matrix: number | null,
  sameTop: number | null,
];

/**
 * Bits per weight of llama.cpp's tools/quantize/README.md (Llama-3.1-8B), for types without a row there from the sizes
 * that `llama-quantize --help` tells. Perplexity: growth of the same list over 6.2332, which F16 has there; with an
 * importance matrix from tools/perplexity/README.md.
 */
const rows: readonly Row[] = [
  ['F32', 32, 0, null, 100],
  ['BF16', 16, 0, null, 100],
  ['F16', 16, 0, null, 100],
  ['Q8_0', 8.5, 0.04, null, 97.7],
  ['Q6_K', 6.56, 0.35, null, 96],
  ['Q5_1', 6.04, 1.7, null, null],
  ['Q5_K_M', 5.7, 0.9, null, null],
  ['Q5_K_S', 5.57, 1.7, null, null],
  ['Q5_0', 5.57, 2.1, null, null],
  ['Q4_1', 5.11, 7.2, null, null],
  ['Q4_K_M', 4.89, 2.8, 2.4, 91.9],
  ['IQ4_NL', 4.68, null, null, null],
  ['Q4_K_S', 4.67, 4.3, 2.9, null],
  ['Q4_0', 4.64, 7.5, null, null],
  ['IQ4_XS', 4.46, null, 3.7, null],
  ['Q3_K_L', 4.3, 8.9, null, null],
  ['MXFP4', 4.25, null, null, null],
  ['Q3_K_M', 4, 10.5, null, null],
  ['IQ3_M', 3.76, null, 10.7, null],
  ['IQ3_S', 3.66, null, null, null],
  ['Q3_K_S', 3.64, 26, null, null],
  ['IQ3_XS', 3.5, null, null, null],
  ['IQ3_XXS', 3.25, null, 19.7, null],
  ['Q2_K', 3.16, 56, 39, 71.1],
  ['Q2_K_S', 2.97, 51, null, null],
  ['IQ2_M', 2.93, null, null, null],
  ['IQ2_S', 2.74, null, null, null],
  ['IQ2_XS', 2.59, null, null, null],
  ['IQ2_XXS', 2.38, null, 126, null],
  ['IQ1_M', 2.15, null, null, null],
  ['TQ2_0', 2.06, null, null, null],
  ['IQ1_S', 2, null, null, null],
  ['I2_S', 2, null, null, null],
  ['TQ1_0', 1.69, null, null, null],
];

const table: ReadonlyMap<string, QuantizationFacts> = new Map(
  rows.map(([name, bitsPerWeight, perplexityPercent, withMatrixPercent, sameTopTokenPercent]) => [
    name,
    { name, bitsPerWeight, perplexityPercent, withMatrixPercent, sameTopTokenPercent },
  ]),
);

/** Mixes that uploaders make: the same types with some tensors larger. The figures of the middle mix are close. */
const near = new Map([
  ['Q2_K_L', 'Q2_K'],
  ['Q2_K_XL', 'Q2_K'],
  ['Q3_K', 'Q3_K_M'],
  ['Q3_K_XL', 'Q3_K_L'],
  ['Q4_K', 'Q4_K_M'],
  ['Q4_K_L', 'Q4_K_M'],
  ['Q4_K_XL', 'Q4_K_M'],
  ['Q5_K', 'Q5_K_M'],
  ['Q5_K_L', 'Q5_K_M'],
  ['Q5_K_XL', 'Q5_K_M'],
  ['Q6_K_L', 'Q6_K'],
  ['Q6_K_XL', 'Q6_K'],
  ['Q8_K_XL', 'Q8_0'],
  ['MXFP4_MOE', 'MXFP4'],
]);

/** Formats of weights that were trained to be -1, 0 or 1. */
const ternary = new Set(['I2_S', 'TL1', 'TL2', 'TQ1_0', 'TQ2_0']);

const marked =
  /(?:^|[-._:\s/])((?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|i2_s|tl[12]|bf16|f16|f32|fp16|fp32|mxfp4(?:_moe)?))(?=$|[-._:\s/])/gi;

/** A quantization as llama.cpp writes it: Q4_K_M for q4_k_m, F16 for fp16. Null for a text that names none. */
export function canonicalQuantization(text: string): string | null {
  const upper = text
    .trim()
    .toUpperCase()
    .replace(/^UD[-_]/, '')
    .replace(/^FP(16|32)$/, 'F$1');
  if (table.has(upper) || near.has(upper) || ternary.has(upper)) return upper;
  return /^I?Q\d(?:_[A-Z0-9]+)*$/.test(upper) ? upper : null;
}

/** The quantization that a file name or tag names, such as `Horse-7B-Q4_K_M.gguf` or `8b-instruct-q5_K_M`. */
export function quantizationIn(name: string): string | null {
  const stem = name.replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '');
  const found = [...stem.matchAll(marked)].at(-1)?.[1];
  return found === undefined ? null : canonicalQuantization(found);
}

/** What is known of a quantization; null for one that no table has. */
export function quantizationFacts(name: string): QuantizationFacts | null {
  const canonical = canonicalQuantization(name);
  if (canonical === null) return null;
  return table.get(canonical) ?? table.get(near.get(canonical) ?? '') ?? null;
}

/** Expected size of a model in a quantization, from its number of weights; null for one that no table has. */
export function expectedSize(parameters: number, quantization: string): number | null {
  const facts = quantizationFacts(quantization);
  return facts === null ? null : Math.round((parameters * facts.bitsPerWeight) / 8);
}

/** What to expect of a model's quality in a quantization, with the source; null for one that nothing is known of. */
export function qualityOf(quantization: string): Variant['quality'] {
  const canonical = canonicalQuantization(quantization);
  if (canonical === null) return null;
  if (ternary.has(canonical)) {
    return {
      perplexityPercent: null,
      sameTopTokenPercent: null,
      sentence:
        'Stores weights that were trained to be -1, 0 or 1 as they are. What it costs is in that training: ' +
        'Falcon3-7B falls from about 75 to 59 in IFEval.',
      source: 'model cards of Falcon3-7B-Instruct and Falcon3-7B-Instruct-1.58bit',
    };
  }
  const facts = quantizationFacts(canonical);
  if (facts === null) return null;
  const percent = facts.perplexityPercent ?? facts.withMatrixPercent;
  return {
    perplexityPercent: percent,
    sameTopTokenPercent: facts.sameTopTokenPercent,
    sentence: sentenceOf(facts, percent),
    source: qualitySource,
  };
}

function sentenceOf(facts: QuantizationFacts, percent: number | null): string {
  if (facts.bitsPerWeight >= 16) return 'As it was trained.';
  if (percent === null) return wordsFor(facts.bitsPerWeight);
  const matrix =
    facts.perplexityPercent === null
      ? ' with an importance matrix'
      : facts.withMatrixPercent === null
        ? ''
        : `, ${facts.withMatrixPercent} % with an importance matrix`;
  return `${wordsOf(percent)} Perplexity grows by ${percent} %${matrix}.`;
}

function wordsOf(percent: number): string {
  if (percent < 0.5) return 'Hardly to be told from the original.';
  if (percent < 3) return 'A small loss.';
  if (percent < 8) return 'A noticeable loss.';
  if (percent < 20) return 'A clear loss.';
  return 'A heavy loss: often wrong where the original is right.';
}

function wordsFor(bitsPerWeight: number): string {
  if (bitsPerWeight >= 4) return 'A small to noticeable loss; no figure is published.';
  if (bitsPerWeight >= 3.3) return 'A clear loss; no figure is published.';
  return 'A heavy loss; no figure is published.';
}

/**
 * What somebody should hear before they take a quantization; null when there is nothing to warn of.
 *
 * @param use What the model is for: embeddings of ternary weights are of no use.
 */
export function quantizationWarning(quantization: string, use: 'chat' | 'embedding' = 'chat'): string | null {
  const canonical = canonicalQuantization(quantization);
  if (canonical === null) return null;
  if (use === 'embedding' && ternary.has(canonical)) {
    return `Embeddings of a model in ${canonical} are unusable. Take an embedding model in F16 or Q8_0.`;
  }
  const facts = quantizationFacts(canonical);
  if (facts === null || ternary.has(canonical)) return null;
  if (facts.bitsPerWeight > 3.2) return null;
  return (
    `${canonical} loses much, and how much depends on the family: Q2_K costs 11 % on Llama-2-7B and 33 % on Qwen2-7B. ` +
    'Take Q4_K_M, or a smaller model in Q4_K_M.'
  );
}
