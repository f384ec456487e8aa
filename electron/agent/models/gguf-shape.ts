import type { Metadata } from './gguf-metadata.ts';
import type { TensorSums } from './gguf-tensors.ts';
import type { LayerShape, ModelShape } from './model-shape.ts';

/** A model's metadata by key without the architecture's name in front. */
interface Hyperparameters {
  readonly architecture: string;
  number(key: string): number | null;
  /** Of one layer: from a list with one value for each, or one value for all. */
  at(key: string, layer: number): number | null;
  list(key: string): readonly number[] | null;
}

/** No model has more layers; a file that says so is not believed. */
const mostLayers = 1_024;

/**
 * How a model keeps its context and what it reads for a token, as llama.cpp b11434 derives it from the same metadata
 * (`src/llama-hparams.cpp` and the `load_arch_hparams` of each architecture). Null where the file does not tell enough.
 */
export function shapeOf(
  architecture: string,
  metadata: Metadata,
  tensors: TensorSums,
  sizeBytes: number,
): ModelShape | null {
  const of = hyperparameters(architecture, metadata);
  const layerCount = of.number('block_count');
  const embeddingLength = of.number('embedding_length');
  if (layerCount === null || layerCount === 0 || layerCount > mostLayers || !embeddingLength) return null;
  const layers = layersOf(of, layerCount, embeddingLength);
  if (layers === null) return null;
  const expertCount = of.number('expert_count') ?? 0;
  const used = Math.min(of.number('expert_used_count') ?? 0, expertCount);
  const idleShare = expertCount > 0 && used > 0 ? 1 - used / expertCount : 0;
  const tied = tensors.outputHead.weights === 0;
  const { all, inputTable, otherTables, outputHead, experts } = tensors;
  const unread = (of_: 'bytes' | 'weights'): number =>
    (tied ? 0 : inputTable[of_]) + otherTables[of_] + experts[of_] * idleShare;
  // Where types of unknown size are among the tensors, the size of the file stands for their sum.
  const dataBytes = tensors.unknownSizes ? Math.max(all.bytes, sizeBytes) : all.bytes;
  const heads = Array.from({ length: layerCount }, (_, layer) => of.at('attention.head_count', layer) ?? 0);
  const feedForwardLength = feedForwardOf(of, layerCount, used);
  return {
    architecture,
    sizeBytes,
    parameters: all.weights,
    activeShare: dataBytes > 0 ? Math.max(0, 1 - unread('bytes') / dataBytes) : 1,
    activeParameters: Math.max(0, all.weights - unread('weights') - (tied ? inputTable : outputHead).weights),
    layers,
    embeddingLength,
    ...(feedForwardLength > 0 && { feedForwardLength }),
    ...(used > 0 && { expertsUsed: used }),
    headCount: Math.max(...heads),
    vocabularySize: metadata.length('tokenizer.ggml.tokens') ?? of.number('vocab_size') ?? tensors.vocabularySize ?? 0,
    contextLength: of.number('context_length'),
  };
}

function hyperparameters(architecture: string, metadata: Metadata): Hyperparameters {
  const key = (name: string): string => `${architecture}.${name}`;
  return {
    architecture,
    number: (name) => metadata.number(key(name)),
    list: (name) => metadata.list(key(name)),
    at(name, layer) {
      const list = metadata.list(key(name));
      return list === null ? metadata.number(key(name)) : (list[layer] ?? null);
    },
  };
}

function feedForwardOf(of: Hyperparameters, layerCount: number, expertsUsed: number): number {
  let widest = 0;
  for (let layer = 0; layer < layerCount; layer += 1) {
    const dense = of.at('feed_forward_length', layer) ?? 0;
    const expert = of.at('expert_feed_forward_length', layer) ?? (expertsUsed > 0 ? dense : 0);
    const shared = of.number('expert_shared_feed_forward_length') ?? 0;
    // A model of experts may tell the width of its few dense layers too, which is that of all experts together.
    widest = Math.max(widest, expertsUsed > 0 ? expert * expertsUsed + shared : dense);
  }
  return widest;
}

function layersOf(of: Hyperparameters, layerCount: number, embeddingLength: number): LayerShape[] | null {
  const stateBytes = stateBytesOf(of, embeddingLength);
  const windowed = windowsOf(of, layerCount);
  const shared = of.number('attention.shared_kv_layers') ?? 0;
  const layers: LayerShape[] = [];
  for (let layer = 0; layer < layerCount; layer += 1) {
    const recurrent = isRecurrent(of, layer);
    const heads = of.at('attention.head_count', layer);
    const own = keepsKeys(of, layer, recurrent) && layer < layerCount - shared;
    const kvHeads = own ? (of.at('attention.head_count_kv', layer) ?? heads) : 0;
    if (kvHeads === null) return null;
    const window = windowed[layer] ?? null;
    const lengths =
      kvHeads === 0 ? { keyLength: 0, valueLength: 0 } : lengthsOf(of, { heads, embeddingLength, window });
    if (lengths === null) return null;
    layers.push({ kvHeads, ...lengths, window, stateBytes: recurrent ? stateBytes : 0 });
  }
  return layers;
}

function lengthsOf(
  of: Hyperparameters,
  layer: { heads: number | null; embeddingLength: number; window: number | null },
): { keyLength: number; valueLength: number } | null {
  const plain = layer.heads ? layer.embeddingLength / layer.heads : null;
  const ofWindow = (name: string): number | null =>
    layer.window === null ? null : of.number(`attention.${name}_length_swa`);
  const keyLength = ofWindow('key') ?? of.number('attention.key_length') ?? plain;
  const valueLength = ofWindow('value') ?? of.number('attention.value_length') ?? plain;
  if (keyLength === null || valueLength === null) return null;
  // Compressed attention keeps one row for keys and values together.
  return { keyLength, valueLength: of.number('attention.key_length_mla') === null ? valueLength : 0 };
}

/** Architectures of which every layer is recurrent and none has keys. */
const recurrentOnly = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7']);
/** Those where every fourth layer has attention, unless the file says otherwise. */
const everyFourth = new Set(['qwen3next', 'qwen35', 'qwen35moe', 'minimax-01']);

function isRecurrent(of: Hyperparameters, layer: number): boolean {
  if (recurrentOnly.has(of.architecture) || of.architecture === 'falcon-h1') return true;
  const told = of.list('attention.recurrent_layers');
  if (told !== null) return told[layer] === 1;
  if (everyFourth.has(of.architecture)) return (layer + 1) % (of.number('full_attention_interval') ?? 4) !== 0;
  if (of.at('attention.head_count_kv', layer) !== 0) return false;
  // Layers of nemotron_h that are neither attention nor recurrent are feed-forward ones.
  return of.architecture !== 'nemotron_h' || (of.at('feed_forward_length', layer) ?? 0) === 0;
}

function keepsKeys(of: Hyperparameters, layer: number, recurrent: boolean): boolean {
  if (recurrentOnly.has(of.architecture)) return false;
  if (of.architecture === 'falcon-h1') return true;
  return !recurrent || (of.at('attention.head_count_kv', layer) === 0 ? false : !everyFourth.has(of.architecture));
}

/** State of one recurrent layer and one slot, in F32. */
function stateBytesOf(of: Hyperparameters, embeddingLength: number): number {
  const shortConvolution = of.number('shortconv.l_cache');
  if (shortConvolution !== null) return 4 * embeddingLength * Math.max(0, shortConvolution - 1);
  const wkv = of.number('wkv.head_size');
  if (wkv !== null) return 4 * embeddingLength * ((of.number('token_shift_count') ?? 2) + wkv);
  const convolution = of.number('ssm.conv_kernel') ?? 0;
  const delta = of.number('kda.head_dim');
  if (delta !== null) {
    const heads = of.at('attention.head_count', 0) ?? 0;
    return 4 * (3 * (convolution > 0 ? convolution - 1 : 3) * heads * delta + delta * delta * heads);
  }
  const inner = of.number('ssm.inner_size') ?? 0;
  const state = of.number('ssm.state_size') ?? 0;
  const groups = of.number('ssm.group_count') ?? 0;
  return 4 * (Math.max(0, convolution - 1) * (inner + 2 * groups * state) + state * inner);
}

/** Of so many layers one sees everything: the last, or the first where that is noted. As llama.cpp has it built in. */
const windowPatterns = new Map<string, { every: number; first?: true }>([
  ['gemma2', { every: 2 }],
  ['gemma3', { every: 6 }],
  ['gemma3n', { every: 5 }],
  ['gemma-embedding', { every: 6 }],
  ['gemma4', { every: 6 }],
  ['gpt-oss', { every: 2 }],
  ['cohere2', { every: 4 }],
  ['llama4', { every: 4 }],
  ['olmo2', { every: 4 }],
  ['exaone4', { every: 4 }],
  ['exaone-moe', { every: 4 }],
  ['plamo3', { every: 8 }],
  ['afmoe', { every: 4 }],
  ['smallthinker', { every: 4, first: true }],
  ['modern-bert', { every: 3, first: true }],
]);

/** Llama 4 has pieces of this length in place of a window, and does not say so. */
const llama4Piece = 8_192;

/**
 * The window of each layer. An architecture that is not known to have windows keeps everything, whatever the file says:
 * some old files name a window that llama.cpp does not heed, and it is better to expect too much than too little.
 */
function windowsOf(of: Hyperparameters, layerCount: number): (number | null)[] {
  const window = of.architecture === 'llama4' ? llama4Piece : of.number('attention.sliding_window');
  const told = of.list('attention.sliding_window_pattern');
  const builtIn = windowPatterns.get(of.architecture);
  const every = of.number('attention.sliding_window_pattern') ?? builtIn?.every ?? null;
  return Array.from({ length: layerCount }, (_, layer) => {
    if (window === null || window === 0) return null;
    if (told !== null) return told[layer] === 1 ? window : null;
    if (every === null) return null;
    if (every === 0) return window;
    const full = builtIn?.first ? layer % every === 0 : layer % every === every - 1;
    return full ? null : window;
  });
}
