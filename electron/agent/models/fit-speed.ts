import { kvBytesAt, type KvType } from './fit-memory.ts';
import type { ModelShape } from './model-shape.ts';

/** Tokens of context that a typical answer is written after: what the speed is reckoned for. */
const typicalTokens = 2_048;

/**
 * Tokens per second to expect while an answer is written: every token reads the weights that take part in it, the
 * output head, and the keys and values so far, so bandwidth divided by those bytes. Null where the bandwidth or the
 * size is not known. An upper bound for very small models, whose computation counts too.
 */
export function decodeSpeed(
  shape: ModelShape,
  bandwidthBytesPerS: number | null,
  options: { readonly contextLength: number; readonly kvType: KvType },
): number | null {
  const tokens = Math.min(typicalTokens, options.contextLength);
  const readBytes = shape.sizeBytes * shape.activeShare + kvBytesAt(shape, tokens, options.kvType);
  return bandwidthBytesPerS === null || readBytes <= 0 ? null : bandwidthBytesPerS / readBytes;
}

/**
 * Tokens per second to expect while a prompt is read: a multiplication and an addition for each weight that takes part.
 * The output head does not: only the last token's scores are wanted. Null where that cannot be told.
 */
export function prefillSpeed(shape: ModelShape, computeOpsPerS: number | null): number | null {
  const weights =
    shape.activeParameters ?? shape.parameters * shape.activeShare - shape.vocabularySize * shape.embeddingLength;
  return computeOpsPerS === null || weights <= 0 ? null : computeOpsPerS / (2 * weights);
}
