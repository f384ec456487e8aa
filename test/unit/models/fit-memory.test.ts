import { describe, expect, it } from 'vitest';
import { kvBytes, memoryTerms, type MemoryOptions } from '../../../electron/agent/models/fit-memory.ts';
import type { LayerShape, ModelShape } from '../../../electron/agent/models/model-shape.ts';

const mebibyte = 2 ** 20;
const usual: MemoryOptions = { contextLength: 4_096, parallel: 1, kvType: 'f16', engineKind: 'llama-server' };
const layer = (change: Partial<LayerShape> = {}): LayerShape => ({
  kvHeads: 8,
  keyLength: 128,
  valueLength: 128,
  window: null,
  stateBytes: 0,
  ...change,
});
const shapeOf = (change: Partial<ModelShape>): ModelShape => ({
  architecture: 'llama',
  sizeBytes: 0,
  parameters: 0,
  activeShare: 1,
  layers: [],
  embeddingLength: 0,
  vocabularySize: 0,
  contextLength: null,
  ...change,
});

/** Gemma 3 270M: every sixth of its 18 layers sees everything, the others 512 tokens. */
const gemma = shapeOf({
  layers: Array.from({ length: 18 }, (_, index) =>
    layer({ kvHeads: 1, keyLength: 256, valueLength: 256, window: index % 6 === 5 ? null : 512 }),
  ),
  embeddingLength: 640,
  feedForwardLength: 2_048,
  vocabularySize: 262_144,
});

describe('memory of keys and values, as llama-server b11434 logs it', () => {
  it.each([
    ['4,096 tokens', { contextLength: 4_096 }, 12 + 15],
    ['32,768 tokens: only the layers that see everything grow', { contextLength: 32_768 }, 96 + 15],
    ['four slots of 8,192 in q8_0', { contextLength: 8_192, parallel: 4, kvType: 'q8_0' }, 51 + 31.875],
    ['the BitNet fork, which knows no windows', { contextLength: 4_096, engineKind: 'bitnet' }, 12 + 60],
    ['the embedded engine, which keeps whole prompts', { contextLength: 4_096, engineKind: 'embedded' }, 12 + 60],
    ['300 tokens take 512 cells', { contextLength: 300 }, (18 * 512 * 1_024) / mebibyte],
  ] as [string, Partial<MemoryOptions>, number][])('%s', (_, options, expectedMebibytes) => {
    expect(kvBytes(gemma, { ...usual, ...options }) / mebibyte).toBeCloseTo(expectedMebibytes, 1);
  });

  it('a recurrent layer takes the same for any context, and once for each slot', () => {
    const shape = shapeOf({ layers: [layer({ kvHeads: 0, stateBytes: 1_000 })] });
    expect(kvBytes(shape, usual)).toBe(1_000);
    expect(kvBytes(shape, { ...usual, contextLength: 65_536, parallel: 3 })).toBe(3_000);
  });
});

describe('working memory, as llama-server b11434 logs it for files of these shapes', () => {
  const processOf = (shape: ModelShape): number => 16 * mebibyte + 190 * shape.vocabularySize;
  const dense = (embeddingLength: number, feedForwardLength: number, vocabularySize: number): ModelShape =>
    shapeOf({ layers: [layer()], embeddingLength, feedForwardLength, vocabularySize });

  it.each([
    ['8B', dense(4_096, 14_336, 128_256), 4_096, 128.02],
    ['8B with 32,768 tokens', dense(4_096, 14_336, 128_256), 32_768, 156.02],
    ['1B', dense(2_048, 8_192, 128_256), 4_096, 72.02],
    ['0.5B', dense(896, 4_864, 32_000), 4_096, 41.27],
    ['10B', dense(3_072, 23_040, 131_072), 32_768, 197.02],
    ['30B with 8 of 128 experts', { ...dense(2_048, 768 * 8, 151_936), expertsUsed: 8 }, 4_096, 92.02],
    ['gemma 270M', gemma, 4_096, 23.28],
    ['gemma 270M with 32,768 tokens', gemma, 32_768, 51.28],
  ])('%s', (_, shape, contextLength, loggedMebibytes) => {
    const { computeBytes } = memoryTerms(shape, { ...usual, contextLength });
    // The scores of one token come twice: in the buffer and as the output.
    const scores = 8 * shape.vocabularySize;
    expect((computeBytes - processOf(shape) - scores) / mebibyte).toBeCloseTo(loggedMebibytes, 0);
  });

  it('the BitNet fork takes more: attention in full, and scores for each token of a batch', () => {
    const shape = { ...dense(4_096, 14_336, 128_256), headCount: 32 };
    const { computeBytes } = memoryTerms(shape, { ...usual, engineKind: 'bitnet' });
    expect(computeBytes).toBeGreaterThan(memoryTerms(shape, usual).computeBytes + 300 * mebibyte);
  });
});
