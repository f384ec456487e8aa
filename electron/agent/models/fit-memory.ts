import type { EngineKind } from '../../contract/snapshot.ts';
import type { LayerShape, ModelShape } from './model-shape.ts';

/** How keys and values are kept. */
export type KvType = 'f16' | 'q8_0' | 'q4_0';

/** What of an engine's configuration decides how much memory a model takes in it. */
export interface MemoryOptions {
  /** Tokens of context of each slot. */
  readonly contextLength: number;
  readonly parallel: number;
  readonly kvType: KvType;
  readonly engineKind: EngineKind;
}

/** Bytes of each part of what a loaded model takes. */
export interface MemoryTerms {
  readonly weightsBytes: number;
  readonly kvBytes: number;
  readonly computeBytes: number;
}

/** Tokens that llama.cpp computes at once while it reads a prompt (`--ubatch-size`, its default). */
const batch = 512;
/** llama.cpp keeps a multiple of this many cells for each slot. */
const cellBlock = 256;
const mebibyte = 2 ** 20;
/** The program itself with its libraries and threads; the words of the vocabulary come on top. */
const processBytes = 16 * mebibyte;
const bytesPerWord = 190;

/** Bytes of one stored key or value: Q8_0 and Q4_0 are blocks of 32 values with a scale of two bytes. */
const bytesPerValue: Record<KvType, number> = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 };

/**
 * Memory of a model that is loaded and at work. Each term follows llama.cpp's own allocation and was compared with the
 * figures that llama-server b11434 logs; docs/fit.md has the derivation and the comparison.
 */
export function memoryTerms(shape: ModelShape, options: MemoryOptions): MemoryTerms {
  return {
    weightsBytes: shape.sizeBytes,
    kvBytes: kvBytes(shape, options),
    computeBytes: Math.round(computeBytes(shape, options)) + processBytes + shape.vocabularySize * bytesPerWord,
  };
}

/** Bytes of keys, values and recurrent states of all slots. */
export function kvBytes(shape: ModelShape, options: MemoryOptions): number {
  let perSlot = 0;
  for (const layer of shape.layers) perSlot += layerBytes(layer, options);
  return Math.round(perSlot * options.parallel);
}

/** Bytes that one more token of context adds to what is read for the next one, summed over the layers that see it. */
export function kvBytesAt(shape: ModelShape, tokens: number, kvType: KvType): number {
  let bytes = 0;
  for (const { kvHeads, keyLength, valueLength, window, stateBytes } of shape.layers) {
    const seen = Math.min(tokens, window ?? tokens);
    bytes += kvHeads * (keyLength + valueLength) * bytesPerValue[kvType] * seen + stateBytes;
  }
  return bytes;
}

function layerBytes(layer: LayerShape, { contextLength, kvType, engineKind }: MemoryOptions): number {
  const { kvHeads, keyLength, valueLength, stateBytes } = layer;
  const cells = cellsOf(layer.window, contextLength, engineKind);
  return kvHeads * (keyLength + valueLength) * bytesPerValue[kvType] * cells + stateBytes;
}

/** A layer with a sliding window keeps the window and one batch. The BitNet fork is older than that: it keeps all. */
function cellsOf(window: number | null, contextLength: number, engineKind: EngineKind): number {
  const whole = padded(contextLength);
  return window === null || engineKind === 'bitnet' ? whole : Math.min(whole, padded(window + batch));
}

const padded = (tokens: number): number => Math.ceil(tokens / cellBlock) * cellBlock;

/**
 * Working memory for one batch: the largest set of intermediate results that live at once, the attention mask over
 * every cell (F16), and a row of scores for the whole vocabulary for each slot.
 */
function computeBytes(shape: ModelShape, options: MemoryOptions): number {
  const { contextLength, parallel, engineKind } = options;
  const { embeddingLength, vocabularySize, expertsUsed = 0 } = shape;
  const feedForward = shape.feedForwardLength ?? 4 * embeddingLength;
  const activations = 3 * feedForward + (5 + expertsUsed) * embeddingLength;
  const windowed = shape.layers.find((layer) => layer.window !== null);
  const cells =
    padded(contextLength) + (windowed === undefined ? 0 : cellsOf(windowed.window, contextLength, engineKind));
  if (engineKind === 'bitnet') {
    // No flash attention and scores for every token of the batch: that is how it was in October 2024.
    const attention = padded(contextLength) * parallel * (shape.headCount ?? 32) + 7 * embeddingLength;
    return batch * 4 * (Math.max(activations, attention) + vocabularySize + padded(contextLength) * parallel);
  }
  return batch * 4 * activations + batch * 2 * cells + 2 * parallel * vocabularySize * 4;
}
