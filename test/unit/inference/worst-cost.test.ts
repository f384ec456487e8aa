import { describe, expect, it } from 'vitest';
import { worstCost } from '../../../electron/agent/inference/worst-cost.ts';

const rates = { inputUsd: 4, outputUsd: 20, cachedInputUsd: 0.2, cacheWriteUsd: 5, hourCacheWriteUsd: 8 };
const most = { promptTokens: 1_000, answerTokens: 100, images: 0, keepsAnHour: false };

describe('worstCost', () => {
  it('takes every token of the prompt for one of the dearest kind', () => {
    expect(worstCost(most, { inputUsd: 4, outputUsd: 20, cachedInputUsd: 0.2 })).toBeCloseTo(0.006, 12);
    expect(worstCost(most, rates)).toBeCloseTo(0.007, 12);
    expect(worstCost({ ...most, keepsAnHour: true }, rates)).toBeCloseTo(0.01, 12);
    expect(worstCost(most, { inputUsd: 0, outputUsd: 0, cachedInputUsd: 3 })).toBeCloseTo(0.003, 12);
  });

  it('takes the rates of long prompts beyond the threshold, unless those of short ones are dearer', () => {
    const longPrompt = { aboveTokens: 999, inputUsd: 8, outputUsd: 30, cachedInputUsd: null };
    expect(worstCost(most, { ...rates, longPrompt })).toBeCloseTo(0.011, 12);
    expect(worstCost({ ...most, promptTokens: 999 }, { ...rates, longPrompt })).toBeCloseTo(0.006_995, 12);
    // The provider may count fewer tokens, and stay below the threshold.
    expect(worstCost(most, { ...rates, longPrompt: { ...longPrompt, inputUsd: 1, outputUsd: 1 } })).toBeCloseTo(
      0.007,
      12,
    );
  });

  it('adds what each image costs', () => {
    expect(worstCost({ ...most, images: 3 }, { ...rates, imageUsd: 0.01 })).toBeCloseTo(0.037, 12);
    expect(worstCost({ ...most, images: 3 }, { ...rates, imageUsd: null })).toBeCloseTo(0.007, 12);
  });
});
