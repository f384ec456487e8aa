import type { TokenPrice, TokenRates } from './upstream.ts';

/** The most that a provider may count of one request. */
export interface MostUsage {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Images of the prompt. */
  readonly images: number;
  /** Part of the prompt is to stay in the provider's cache for an hour, which costs more to write. */
  readonly keepsAnHour: boolean;
  /** Characters of text to be made into speech; left out for everything else. */
  readonly characters?: number;
}

/**
 * Dollars that so much costs at most: every token of the prompt is of the kind that costs most, and beyond the threshold
 * of long prompts all go by their rates. Characters have no price here.
 */
export function worstCost(most: MostUsage, price: TokenPrice): number {
  const { promptTokens, answerTokens, images, keepsAnHour } = most;
  const { longPrompt } = price;
  const at = (rates: TokenRates): number =>
    (promptTokens * dearestPrompt(rates, keepsAnHour) + answerTokens * rates.outputUsd) / 1e6;
  const short = at(price);
  const isLong = longPrompt && promptTokens > longPrompt.aboveTokens;
  // The provider may count fewer tokens and find the prompt short.
  return (isLong ? Math.max(short, at(longPrompt)) : short) + images * (price.imageUsd ?? 0);
}

function dearestPrompt(rates: TokenRates, keepsAnHour: boolean): number {
  const { inputUsd, cachedInputUsd, cacheWriteUsd, hourCacheWriteUsd } = rates;
  const written = cacheWriteUsd ?? inputUsd;
  const hour = keepsAnHour ? Math.max(written, hourCacheWriteUsd ?? written) : written;
  return Math.max(inputUsd, cachedInputUsd ?? 0, hour);
}
