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
 */
export function costOf(usage: Usage, price: TokenPrice, charactersUsd: number | null = null): Nanodollars {
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
  return roundedUp(dollars * nanosPerTokenOfUsd);
}

function ratesAt(price: TokenPrice, promptTokens: number): TokenRates {
  const { longPrompt } = price;
  return longPrompt && promptTokens > longPrompt.aboveTokens ? longPrompt : price;
}

/** The most that a request can cost: no prompt token cached, each written to the cache where that is dearer. */
export function worstOf(most: { promptTokens: number; answerTokens: number }, price: TokenPrice): Nanodollars {
  const promptTokens = count(most.promptTokens);
  const rates = ratesAt(price, promptTokens);
  // The provider may count fewer tokens than we and stay below the threshold: then the lower rates hold, which are below.
  return roundedUp((promptTokens * dearestPrompt(rates) + count(most.answerTokens) * rates.outputUsd) * 1_000);
}

function dearestPrompt({ inputUsd, cacheWriteUsd }: TokenRates): number {
  return Math.max(inputUsd, cacheWriteUsd ?? inputUsd);
}

/**
 * By how much a worst case has to be raised that was reckoned by the rates of short prompts: by as much as a long one
 * costs more, where this one may be long. 1 for prices without a threshold.
 */
export function longPromptFactor(price: TokenPrice, worstTokens: number): number {
  const { longPrompt } = price;
  if (!longPrompt || worstTokens <= longPrompt.aboveTokens) return 1;
  return Math.max(
    1,
    ratio(dearestPrompt(longPrompt), dearestPrompt(price)),
    ratio(longPrompt.outputUsd, price.outputUsd),
  );
}

function ratio(long: number, short: number): number {
  return short > 0 ? long / short : 1;
}
