import { describe, expect, it } from 'vitest';
import { variantSchema } from '../../../../electron/contract/control.ts';
import {
  listVariants,
  variantFor,
  type ListFacts,
  type LocalModel,
  type VariantToFit,
} from '../../../../electron/agent/models/variants/variant-list.ts';

const model = (quantization: string, more: Partial<LocalModel> = {}): LocalModel => ({
  id: `horse-${quantization.toLowerCase()}`,
  name: 'Horse',
  group: 'horse',
  quantization,
  sizeBytes: 4_000_000_000,
  loaded: false,
  origin: null,
  path: `/m/horse-${quantization}.gguf`,
  parameters: 8_000_000_000,
  fit: null,
  selfTest: false,
  ...more,
});
const offer = (quantization: string, sizeBytes: number) => ({
  quantization,
  sizeBytes,
  reference: `hf.co/o/horse:${quantization}`,
});
const facts = (more: Partial<ListFacts>): ListFacts => ({
  here: [],
  offers: [],
  madeFrom: () => [],
  fitOf: () => null,
  ...more,
});

describe('listVariants', () => {
  it('puts here, elsewhere and makeable side by side, the best first', () => {
    const asked: VariantToFit[] = [];
    const variants = listVariants(
      facts({
        here: [model('F16', { sizeBytes: 16_000_000_000 }), model('Q4_K_M', { loaded: true })],
        offers: [offer('Q8_0', 8_500_000_000), offer('Q4_K_M', 4_900_000_000), offer('UD-Q4_K_XL', 5_000_000_000)],
        madeFrom: () => ['Q8_0', 'Q5_K_M', 'Q4_K_M'],
        fitOf: (variant) => {
          asked.push(variant);
          return null;
        },
      }),
    );
    for (const variant of variants) variantSchema.parse(variant);
    expect(variants.map(({ quantization, model: id, get }) => [quantization, id ?? get?.kind])).toEqual([
      ['F16', 'horse-f16'],
      ['Q8_0', 'pull'],
      ['Q5_K_M', 'quantize'],
      ['UD-Q4_K_XL', 'pull'],
      ['Q4_K_M', 'horse-q4_k_m'],
    ]);
    expect(variants[2]).toMatchObject({
      get: { kind: 'quantize', from: 'horse-f16' },
      sizeBytes: 5_700_000_000,
      bitsPerWeight: 5.7,
    });
    expect(variants[4]).toMatchObject({ loaded: true, get: null });
    expect(variants[1]?.quality?.perplexityPercent).toBe(0.04);
    expect(asked.every(({ like, parameters }) => like === 'horse-f16' && parameters === 8e9)).toBe(true);
  });

  it('makes nothing from what is quantized already', () => {
    expect(listVariants(facts({ here: [model('Q8_0')], madeFrom: () => ['Q4_K_M'] }))).toHaveLength(1);
  });
});

describe('variantFor', () => {
  const variants = listVariants(
    facts({
      here: [model('F16', { sizeBytes: 16e9 })],
      offers: [offer('Q8_0', 8e9), offer('UD-Q4_K_XL', 5e9)],
      madeFrom: () => ['Q5_K_M'],
    }),
  );
  it.each([
    ['f16', 'F16'],
    ['q8_0', 'Q8_0'],
    ['Q4_K_XL', 'UD-Q4_K_XL'],
    ['Q5_K_M', 'Q5_K_M'],
  ])('%s is %s', (wanted, found) => {
    expect(variantFor('horse', variants, wanted).quantization).toBe(found);
  });
  it('says which there are', () => {
    expect(() => variantFor('horse', variants, 'Q2_K')).toThrow(
      'There is no Q2_K of horse. There are: F16, Q8_0, Q5_K_M, UD-Q4_K_XL.',
    );
    expect(() => variantFor('horse', [], 'Q2_K')).toThrow('No quantization of horse is known.');
  });
});
