import { describe, expect, it } from 'vitest';
import {
  chooseVariant,
  hubVariants,
  quantizationIn,
  type HubFile,
} from '../../../../electron/agent/models/pull/hub-files.ts';

const file = (path: string, sizeBytes = 100): HubFile => ({ path, sizeBytes, digest: null });

it.each([
  ['Horse-7B-Q4_K_M.gguf', 'Q4_K_M'],
  ['horse.i1-IQ2_XXS.gguf', 'IQ2_XXS'],
  ['Horse-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
  ['BF16/Horse-BF16-00001-of-00003.gguf', 'BF16'],
  ['Q8_0/horse.gguf', 'Q8_0'],
  ['ggml-model-i2_s.gguf', 'I2_S'],
  ['horse-fp16.gguf', 'F16'],
  ['gpt-oss-20b-MXFP4.gguf', 'MXFP4'],
  ['horse.gguf', null],
  ['Q4Horse.gguf', null],
])('reads the quantization of %s', (path, quantization) => {
  expect(quantizationIn(path)).toBe(quantization);
});

describe('hubVariants', () => {
  it('takes sets as one and leaves out what is no model and what is incomplete', () => {
    const variants = hubVariants([
      file('README.md'),
      file('mmproj-F16.gguf'),
      file('Horse-imatrix.gguf'),
      file('Horse-Q4_K_M.gguf', 4),
      file('F16/Horse-F16-00001-of-00002.gguf', 10),
      file('F16/Horse-F16-00002-of-00002.gguf', 11),
      file('Horse-Q8_0-00001-of-00002.gguf'),
    ]);
    expect(variants.map(({ quantization, sizeBytes }) => [quantization, sizeBytes])).toEqual([
      ['Q4_K_M', 4],
      ['F16', 21],
    ]);
  });
});

describe('chooseVariant', () => {
  const variants = hubVariants([
    file('h-Q8_0.gguf'),
    file('h-Q5_K_M.gguf'),
    file('h-UD-Q3_K_XL.gguf'),
    file('h-F16.gguf'),
  ]);
  it('finds the named one in any case, with or without UD', () => {
    expect(chooseVariant('o/h', variants, 'q8_0').quantization).toBe('Q8_0');
    expect(chooseVariant('o/h', variants, 'q3_k_xl').quantization).toBe('UD-Q3_K_XL');
  });
  it('takes the nearest to the usual one when none is named', () => {
    expect(chooseVariant('o/h', variants, null).quantization).toBe('Q5_K_M');
    expect(chooseVariant('o/h', hubVariants([file('a.gguf', 9), file('b.gguf', 3)]), null).sizeBytes).toBe(3);
  });
  it('says which there are', () => {
    expect(() => chooseVariant('o/h', variants, 'Q2_K')).toThrow(
      'o/h on Hugging Face has no Q2_K. There are: F16, Q5_K_M, Q8_0, UD-Q3_K_XL.',
    );
    expect(() => chooseVariant('o/h', [], null)).toThrow('no model in the GGUF format');
  });
});
