import type { TokenPrice, TokenRates } from '../../inference/upstream.ts';
import type { Usage } from '../../inference/usage.ts';
import type { BilledTokens, Nanodollars } from '../ledger-port.ts';

/** A dollar for a million tokens is a thousand billionths of a dollar for each. */
const nanosPerTokenOfUsd = 1_000;
const nanosPerUsd = 1_000_000_000;

/**
 * A sum of dollars as whole billionths, never below it: what is set aside has to suffice. What only the arithmetic of
 * fractions added (0.07 × 10⁹ is 70000000.00000001) is no billionth more.
 */
export function nanosFrom(usd: number): Nanodollars {
  return roundedUp(usd * nanosPerUsd);
}

export function usdFrom(nanos: Nanodollars): number {
  return nanos / nanosPerUsd;
}

function roundedUp(nanos: number): Nanodollars {
  const nearest = Math.round(nanos);
  return Math.abs(nanos - nearest) <= Math.max(1e-3, nanos * 1e-14) ? nearest : Math.ceil(nanos);
}

/** The tokens of an answer by what is billed apart; the kinds never overlap, whatever an upstream tells. */
export function billedTokens(usage: Usage): BilledTokens {
  const prompt = count(usage.promptTokens);
  const cachedTokens = Math.min(count(usage.cachedTokens), prompt);
  const cacheWriteTokens = Math.min(count(usage.cacheWriteTokens), prompt - cachedTokens);
  return {
    inputTokens: prompt - cachedTokens - cacheWriteTokens,
    cachedTokens,
    cacheWriteTokens,
    outputTokens: count(usage.completionTokens),
  };
}

function count(told: number | null | undefined): number {
  return told !== null && told !== undefined && told > 0 ? Math.ceil(told) : 0;
}

export function sumOf(tokens: BilledTokens): number {
  return tokens.inputTokens + tokens.cachedTokens + tokens.cacheWriteTokens + tokens.outputTokens;
}

/**
 * What an answer costs, all kinds together rounded up to the next billionth. Thinking is part of the output. A kind
 * without a price of its own costs as much as fresh input. `charactersUsd`: for a million characters made into speech.
 * `images`: of the prompt, which no provider tells the number of.
 */
export function costOf(usage: Usage, price: TokenPrice, charactersUsd: number | null = null, images = 0): Nanodollars {
  if (usage.characters !== undefined && charactersUsd !== null) {
    return roundedUp(count(usage.characters) * charactersUsd * nanosPerTokenOfUsd);
  }
  const tokens = billedTokens(usage);
  const kept = Math.min(count(usage.hourCacheWriteTokens), tokens.cacheWriteTokens);
  const rates = ratesAt(price, tokens.inputTokens + tokens.cachedTokens + tokens.cacheWriteTokens);
  const writeUsd = rates.cacheWriteUsd ?? rates.inputUsd;
  const dollars =
    tokens.inputTokens * rates.inputUsd +
    tokens.cachedTokens * (rates.cachedInputUsd ?? rates.inputUsd) +
    (tokens.cacheWriteTokens - kept) * writeUsd +
    kept * (rates.hourCacheWriteUsd ?? writeUsd) +
    tokens.outputTokens * rates.outputUsd;
  return roundedUp(dollars * nanosPerTokenOfUsd + images * (price.imageUsd ?? 0) * nanosPerUsd);
}

function ratesAt(price: TokenPrice, promptTokens: number): TokenRates {
  const { longPrompt } = price;
  return longPrompt && promptTokens > longPrompt.aboveTokens ? longPrompt : price;
}
