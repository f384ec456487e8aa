import type { EngineKind } from '../../contract/snapshot.ts';
import type { LayerShape, ModelShape } from './model-shape.ts';
import { quantizationFacts } from './quantization.ts';

/** A well-known model for the fit table, whether or not it is on this node. */
export interface KnownModel {
  readonly id: string;
  readonly name: string;
  readonly quantization: string;
  readonly shape: ModelShape;
  /** The engine that it is reckoned for. */
  readonly engineKind: EngineKind;
}

/** Well-known models, smallest first of each: what a person weighs a new machine by. */
export function knownModels(): readonly KnownModel[] {
  return [falcon3(), ...['Q4_K_M', 'Q5_K_M', 'Q6_K', 'Q8_0'].map(llama31), qwen3CoderNext()];
}

const attention = (count: number, kvHeads: number, length: number): LayerShape[] =>
  Array.from({ length: count }, () => ({
    kvHeads,
    keyLength: length,
    valueLength: length,
    window: null,
    stateBytes: 0,
  }));

/**
 * Falcon3-10B-Instruct-1.58bit in i2_s. From `config.json` of tiiuae/Falcon3-10B-Instruct: 40 layers of 3072, inner
 * 23040, 12 heads and 4 of keys and values with 256 values each, vocabulary 131072, not tied, context 32768. Embedding
 * and output head stay in F16, all other matrices take two bits a weight.
 */
function falcon3(): KnownModel {
  const embeddingLength = 3_072;
  const feedForwardLength = 23_040;
  const vocabularySize = 131_072;
  const layerWeights = embeddingLength * (12 * 256 * 2 + 4 * 256 * 2 + 3 * feedForwardLength);
  const tableBytes = vocabularySize * embeddingLength * 2;
  const sizeBytes = 40 * (layerWeights / 4) + 2 * tableBytes;
  return {
    id: 'falcon3-10b-instruct-1.58bit-i2_s',
    name: 'Falcon3-10B-Instruct-1.58bit',
    quantization: 'I2_S',
    engineKind: 'bitnet',
    shape: {
      architecture: 'llama',
      sizeBytes,
      parameters: 40 * layerWeights + 2 * vocabularySize * embeddingLength,
      activeShare: (sizeBytes - tableBytes) / sizeBytes,
      activeParameters: 40 * layerWeights,
      layers: attention(40, 4, 256),
      embeddingLength,
      feedForwardLength,
      headCount: 12,
      vocabularySize,
      contextLength: 32_768,
    },
  };
}

/**
 * Meta-Llama-3.1-8B-Instruct. From its `config.json`: 32 layers of 4096, inner 14336, 32 heads and 8 of keys and values
 * with 128 values each, vocabulary 128256, not tied, context 131072. Sizes from llama.cpp's tools/quantize/README.md,
 * whose table of bits per weight was made with this model.
 */
function llama31(quantization: string): KnownModel {
  const embeddingLength = 4_096;
  const feedForwardLength = 14_336;
  const vocabularySize = 128_256;
  const parameters = 8_030_261_248;
  const tables = vocabularySize * embeddingLength;
  // The input table has the plain type of its family: Q4_K, Q5_K, Q6_K, Q8_0.
  const tableBits: Record<string, number> = { Q4_K_M: 4.5, Q5_K_M: 5.5, Q6_K: 6.5625, Q8_0: 8.5 };
  const bits = quantizationFacts(quantization)?.bitsPerWeight ?? 16;
  const sizeBytes = Math.round((parameters * bits) / 8);
  return {
    id: `llama-3.1-8b-instruct-${quantization.toLowerCase()}`,
    name: 'Llama-3.1-8B-Instruct',
    quantization,
    engineKind: 'llama-server',
    shape: {
      architecture: 'llama',
      sizeBytes,
      parameters,
      activeShare: 1 - (tables * (tableBits[quantization] ?? 16)) / 8 / sizeBytes,
      activeParameters: parameters - 2 * tables,
      layers: attention(32, 8, 128),
      embeddingLength,
      feedForwardLength,
      headCount: 32,
      vocabularySize,
      contextLength: 131_072,
    },
  };
}

/**
 * Qwen3-Coder-Next (80B, 3B active) in Q4_K_M. From its `config.json`: 48 layers of 2048, every fourth with attention
 * (16 heads, 2 of keys and values with 256 values each), the others with a gated delta net (32 heads of 128 values, 16
 * of keys with 128, convolution of 4); 512 experts of 512, 10 used and one shared; vocabulary 151936, not tied, context
 * 262144. The file has 48.5 GB (steampunque/Qwen3-Coder-Next-Hybrid-GGUF compares with it).
 */
function qwen3CoderNext(): KnownModel {
  const embeddingLength = 2_048;
  const vocabularySize = 151_936;
  const layerCount = 48;
  const expertWeights = layerCount * 512 * 3 * embeddingLength * 512;
  const tables = vocabularySize * embeddingLength;
  const parameters = 79_674_391_296;
  const used = 10;
  const active = parameters - expertWeights - tables + (expertWeights * used) / 512;
  const innerSize = 32 * 128;
  const stateValues = 128 * innerSize + 3 * (innerSize + 2 * 16 * 128);
  const [full] = attention(1, 2, 256);
  const recurrent: LayerShape = { kvHeads: 0, keyLength: 0, valueLength: 0, window: null, stateBytes: 4 * stateValues };
  return {
    id: 'qwen3-coder-next-q4_k_m',
    name: 'Qwen3-Coder-Next',
    quantization: 'Q4_K_M',
    engineKind: 'llama-server',
    shape: {
      architecture: 'qwen3next',
      sizeBytes: 48.5e9,
      parameters,
      activeShare: active / parameters,
      activeParameters: active - tables,
      layers: Array.from({ length: layerCount }, (_, index) =>
        full !== undefined && index % 4 === 3 ? full : recurrent,
      ),
      embeddingLength,
      feedForwardLength: used * 512 + 512,
      expertsUsed: used,
      headCount: 16,
      vocabularySize,
      contextLength: 262_144,
    },
  };
}
