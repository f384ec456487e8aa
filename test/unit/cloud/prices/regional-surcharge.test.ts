import { describe, expect, it } from 'vitest';
import {
  isRegionalAddress,
  regionalPrice,
  withSurcharge,
} from '../../../../electron/agent/cloud/prices/regional-surcharge.ts';

describe('isRegionalAddress', () => {
  it.each([
    'https://eu.api.openai.com',
    'https://US.api.openai.com/v1',
    'https://us.api.x.ai:443',
    'https://us.api.x.ai.',
  ])('has a region in its name: %s', (url) => {
    expect(isRegionalAddress(url)).toBe(true);
  });

  it.each([
    '',
    'https://api.openai.com',
    'https://api.x.ai/v1',
    'https://notapi.openai.com',
    'https://eu.api.openai.com.example.com',
    'https://example.com/eu.api.openai.com',
    'http://127.0.0.1:8080',
  ])('has none: %j', (url) => {
    expect(isRegionalAddress(url)).toBe(false);
  });
});

describe('regionalPrice', () => {
  const rates = { inputUsd: 0.05, outputUsd: 0.4, cachedInputUsd: 0.005, cacheWriteUsd: null, hourCacheWriteUsd: 0.1 };
  const dearer = {
    inputUsd: 0.055,
    outputUsd: 0.44,
    cachedInputUsd: 0.0055,
    cacheWriteUsd: null,
    hourCacheWriteUsd: 0.11,
  };
  const facts = { source: 'https://example.com', date: '2026-11-20' };

  it('is a tenth higher for all that it has a price for, and has no more than that', () => {
    const price = { ...rates, imageUsd: 0.01, longPrompt: { ...rates, aboveTokens: 100_000 } };
    expect(regionalPrice({ price, charactersUsd: 15, ...facts })).toEqual({
      price: { ...dearer, imageUsd: 0.011, longPrompt: { ...dearer, aboveTokens: 100_000 } },
      charactersUsd: 16.5,
      ...facts,
    });
    const plain = { inputUsd: 3, outputUsd: 15, cachedInputUsd: null };
    expect(regionalPrice({ price: plain, charactersUsd: null, ...facts })).toEqual({
      price: { inputUsd: 3.3, outputUsd: 16.5, cachedInputUsd: null },
      charactersUsd: null,
      ...facts,
    });
  });
});

describe('withSurcharge', () => {
  it('adds a tenth, and never less than that', () => {
    expect([0, 10, 11, 3_000_000].map(withSurcharge)).toEqual([0, 11, 13, 3_300_000]);
  });
});
