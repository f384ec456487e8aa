import { describe, expect, it } from 'vitest';
import {
  canonicalQuantization,
  expectedSize,
  qualityOf,
  quantizationFacts,
  quantizationIn,
  quantizationWarning,
} from '../../../electron/agent/models/quantization.ts';

describe('quantizationIn', () => {
  it.each([
    ['Horse-7B-Q4_K_M.gguf', 'Q4_K_M'],
    ['horse-7b.q5_k_s.gguf', 'Q5_K_S'],
    ['Horse-UD-IQ2_XXS-00001-of-00003.gguf', 'IQ2_XXS'],
    ['8b-instruct-q5_K_M', 'Q5_K_M'],
    ['llama3.1:8b-instruct-fp16', 'F16'],
    ['ggml-model-i2_s.gguf', 'I2_S'],
    ['Horse-BF16.gguf', 'BF16'],
    ['gpt-oss-20b-MXFP4.gguf', 'MXFP4'],
    ['Horse-Q4_K_XL.gguf', 'Q4_K_XL'],
    ['Falcon-TQ2_0', 'TQ2_0'],
    ['hf.co/org/repo:Q8_0', 'Q8_0'],
    ['qwen3-8b', null],
    ['faq4you', null],
    ['', null],
  ])('%s: %s', (name, quantization) => {
    expect(quantizationIn(name)).toBe(quantization);
  });
});

describe('the table of quantizations', () => {
  it('has the published figures', () => {
    expect(quantizationFacts('q4_k_m')).toEqual({
      name: 'Q4_K_M',
      bitsPerWeight: 4.89,
      perplexityPercent: 2.8,
      withMatrixPercent: 2.4,
      sameTopTokenPercent: 91.9,
    });
    expect(quantizationFacts('UD-Q4_K_XL')?.name).toBe('Q4_K_M');
    expect(quantizationFacts('Q9_Z')).toBeNull();
    expect(canonicalQuantization('latest')).toBeNull();
  });

  it('expects sizes as they are published: Llama 3.1 8B has 4.92 and 8.54 GB', () => {
    expect((expectedSize(8.03e9, 'Q4_K_M') ?? 0) / 1e9).toBeCloseTo(4.91, 1);
    expect((expectedSize(8.03e9, 'Q8_0') ?? 0) / 1e9).toBeCloseTo(8.53, 1);
    expect(expectedSize(8.03e9, 'unheard')).toBeNull();
  });

  it('says what to expect in words, with figures and source', () => {
    expect(qualityOf('Q8_0')?.sentence).toBe('Hardly to be told from the original. Perplexity grows by 0.04 %.');
    expect(qualityOf('Q4_K_M')?.sentence).toBe(
      'A small loss. Perplexity grows by 2.8 %, 2.4 % with an importance matrix.',
    );
    expect(qualityOf('IQ4_XS')).toMatchObject({
      perplexityPercent: 3.7,
      sentence: 'A noticeable loss. Perplexity grows by 3.7 % with an importance matrix.',
    });
    expect(qualityOf('Q2_K')?.sentence).toContain('heavy loss');
    expect(qualityOf('F16')?.sentence).toBe('As it was trained.');
    expect(qualityOf('IQ3_S')).toMatchObject({ perplexityPercent: null });
    expect(qualityOf('i2_s')?.sentence).toContain('trained to be -1, 0 or 1');
    expect(qualityOf('Q4_K_M')?.source).toContain('pull request 6936');
    expect(qualityOf('mystery')).toBeNull();
  });

  it('warns of what ruins answers', () => {
    expect(quantizationWarning('Q4_K_M')).toBeNull();
    expect(quantizationWarning('Q2_K')).toContain('depends on the family');
    expect(quantizationWarning('IQ1_S')).toContain('Take Q4_K_M');
    expect(quantizationWarning('i2_s')).toBeNull();
    expect(quantizationWarning('i2_s', 'embedding')).toContain('unusable');
    expect(quantizationWarning('mystery')).toBeNull();
  });
});
