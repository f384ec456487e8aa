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

/** Layers that are alike, and how many of them there are. */
interface AlikeLayers {
  readonly layer: LayerShape;
  count: number;
}

/**
 * Memory of a model that is loaded and at work. Each term follows llama.cpp's own allocation and was compared with the
 * figures that llama-server b11434 logs; docs/fit.md has the derivation and the comparison.
 */
export function memoryTerms(shape: ModelShape, options: MemoryOptions): MemoryTerms {
  return memoryByContext(shape, options)(options.contextLength);
}

/**
 * The same for any context: what does not depend on it is reckoned once. A search for the longest context asks dozens
 * of times, a list of models hundreds of times that, and large models have a hundred layers of two kinds.
 */
export function memoryByContext(
  shape: ModelShape,
  options: Omit<MemoryOptions, 'contextLength'>,
): (contextLength: number) => MemoryTerms {
  const alike = alikeLayers(shape);
  const window = shape.layers.find((layer) => layer.window !== null)?.window ?? null;
  const fixedBytes = processBytes + shape.vocabularySize * bytesPerWord;
  return (contextLength) => {
    const at = { ...options, contextLength };
    return {
      weightsBytes: shape.sizeBytes,
      kvBytes: slotBytes(alike, at),
      computeBytes: Math.round(computeBytes(shape, window, at)) + fixedBytes,
    };
  };
}

/** Bytes of keys, values and recurrent states of all slots. */
export function kvBytes(shape: ModelShape, options: MemoryOptions): number {
  return slotBytes(alikeLayers(shape), options);
}

function slotBytes(alike: readonly AlikeLayers[], options: MemoryOptions): number {
  let perSlot = 0;
  for (const { layer, count } of alike) perSlot += count * layerBytes(layer, options);
  return Math.round(perSlot * options.parallel);
}

function alikeLayers({ layers }: ModelShape): AlikeLayers[] {
  const alike: AlikeLayers[] = [];
  for (const layer of layers) {
    const known = alike.find((each) => isAlike(each.layer, layer));
    if (known) known.count += 1;
    else alike.push({ layer, count: 1 });
  }
  return alike;
}

function isAlike(a: LayerShape, b: LayerShape): boolean {
  return (
    a.kvHeads === b.kvHeads &&
    a.keyLength === b.keyLength &&
    a.valueLength === b.valueLength &&
    a.window === b.window &&
    a.stateBytes === b.stateBytes
  );
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

/**
 * A layer with a sliding window keeps the window and one batch. The BitNet fork is older than that: it keeps all; so does
 * the embedded engine, because a conversation could not be gone on with otherwise.
 */
function cellsOf(window: number | null, contextLength: number, engineKind: EngineKind): number {
  const whole = padded(contextLength);
  return window === null || engineKind === 'bitnet' || engineKind === 'embedded'
    ? whole
    : Math.min(whole, padded(window + batch));
}

const padded = (tokens: number): number => Math.ceil(tokens / cellBlock) * cellBlock;

/**
 * Working memory for one batch: the largest set of intermediate results that live at once, the attention mask over
 * every cell (F16), and a row of scores for the whole vocabulary for each slot.
 */
function computeBytes(shape: ModelShape, window: number | null, options: MemoryOptions): number {
  const { contextLength, parallel, engineKind } = options;
  const { embeddingLength, vocabularySize, expertsUsed = 0 } = shape;
  const feedForward = shape.feedForwardLength ?? 4 * embeddingLength;
  const activations = 3 * feedForward + (5 + expertsUsed) * embeddingLength;
  const cells = padded(contextLength) + (window === null ? 0 : cellsOf(window, contextLength, engineKind));
  if (engineKind === 'bitnet') {
    // No flash attention and scores for every token of the batch: that is how it was in October 2024.
    const attention = padded(contextLength) * parallel * (shape.headCount ?? 32) + 7 * embeddingLength;
    return batch * 4 * (Math.max(activations, attention) + vocabularySize + padded(contextLength) * parallel);
  }
  return batch * 4 * activations + batch * 2 * cells + 2 * parallel * vocabularySize * 4;
}
