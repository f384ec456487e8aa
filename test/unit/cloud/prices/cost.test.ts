import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noTokens, type BilledTokens } from '../../../../electron/agent/cloud/ledger-port.ts';
import { billedTokens, costOf, nanosFrom, sumOf } from '../../../../electron/agent/cloud/prices/cost.ts';
import { worstCost } from '../../../../electron/agent/inference/worst-cost.ts';

const opus = { inputUsd: 4, outputUsd: 20, cachedInputUsd: 0.2, cacheWriteUsd: 5, hourCacheWriteUsd: 8 };
const haiku = {
  inputUsd: 0.1,
  outputUsd: 0.5,
  cachedInputUsd: 0.01,
  cacheWriteUsd: 0.125,
  longPrompt: { aboveTokens: 100_000, inputUsd: 0.5, outputUsd: 2.5, cachedInputUsd: 0.05, cacheWriteUsd: 0.625 },
};

describe('nanosFrom', () => {
  it('counts nothing that only the arithmetic of fractions adds', () => {
    expect(nanosFrom(0.07)).toBe(70_000_000);
    expect(nanosFrom(0.1 + 0.2)).toBe(300_000_000);
    expect(nanosFrom(0.000_000_000_1)).toBe(1);
    expect(nanosFrom(0)).toBe(0);
  });
});

describe('costOf', () => {
  it('bills each kind of token at its own price, and thinking as output', () => {
    const usage = { promptTokens: 1_000, cachedTokens: 600, cacheWriteTokens: 300, completionTokens: 50 };
    // 100 × 4 + 600 × 0.2 + 300 × 5 + 50 × 20 dollars for a million.
    expect(costOf({ ...usage, reasoningTokens: 40 }, opus)).toBe(3_020_000);
    expect(billedTokens(usage)).toEqual({
      inputTokens: 100,
      cachedTokens: 600,
      cacheWriteTokens: 300,
      outputTokens: 50,
    });
  });

  it('bills what is kept for an hour at its own price', () => {
    const usage = { promptTokens: 300, cachedTokens: 0, cacheWriteTokens: 300, completionTokens: 0 };
    expect(costOf({ ...usage, hourCacheWriteTokens: 100 }, opus)).toBe(200 * 5_000 + 100 * 8_000);
  });

  it('takes the price of fresh input where a kind has none of its own', () => {
    const plain = { inputUsd: 3, outputUsd: 15, cachedInputUsd: null };
    const usage = { promptTokens: 100, cachedTokens: 40, cacheWriteTokens: 30, completionTokens: 0 };
    expect(costOf(usage, plain)).toBe(300_000);
  });

  it('bills the whole request at the rates of long prompts beyond the threshold, cached tokens counted', () => {
    const usage = { completionTokens: 10, cachedTokens: 90_000 };
    expect(costOf({ ...usage, promptTokens: 100_000 }, haiku)).toBe(10_000 * 100 + 90_000 * 10 + 10 * 500);
    expect(costOf({ ...usage, promptTokens: 100_001 }, haiku)).toBe(10_001 * 500 + 90_000 * 50 + 10 * 2_500);
  });

  it('bills speech by its characters only', () => {
    const usage = { promptTokens: 0, completionTokens: 0, cachedTokens: null, characters: 4_096 };
    expect(costOf(usage, { inputUsd: 0.6, outputUsd: 12, cachedInputUsd: null }, 15)).toBe(61_440_000);
  });

  it('bills each image beside its tokens, where it has a price', () => {
    const usage = { promptTokens: 300, cachedTokens: 0, completionTokens: 0 };
    expect(costOf(usage, { ...opus, imageUsd: 0.01 }, null, 3)).toBe(300 * 4_000 + 30_000_000);
    expect(costOf(usage, opus, null, 3)).toBe(300 * 4_000);
  });

  const told = fc.option(fc.integer({ min: -5, max: 200_000 }), { nil: null });
  const usages = fc.record({
    promptTokens: fc.integer({ min: -5, max: 200_000 }),
    completionTokens: fc.integer({ min: 0, max: 9_000 }),
    cachedTokens: told,
    cacheWriteTokens: told,
  });
  it('is never negative nor above the worst case, whatever an upstream tells', () => {
    fc.assert(
      fc.property(usages, (usage) => {
        const { promptTokens, completionTokens } = usage;
        const tokens = billedTokens(usage);
        for (const kind of Object.keys(noTokens) as (keyof BilledTokens)[])
          expect(tokens[kind]).toBeGreaterThanOrEqual(0);
        expect(sumOf(tokens)).toBe(Math.max(0, promptTokens) + completionTokens);
        for (const price of [haiku, { ...opus, hourCacheWriteUsd: null }]) {
          const cost = costOf(usage, price);
          expect(Number.isInteger(cost) && cost >= 0).toBe(true);
          const most = { promptTokens: Math.max(0, promptTokens), answerTokens: completionTokens };
          const worst = worstCost({ ...most, images: 2, keepsAnHour: false }, { ...price, imageUsd: 0.01 });
          expect(cost).toBeLessThanOrEqual(nanosFrom(worst) - 20_000_000);
          expect(costOf(usage, { ...price, imageUsd: 0.01 }, null, 2)).toBeLessThanOrEqual(nanosFrom(worst));
        }
      }),
    );
  });
});
