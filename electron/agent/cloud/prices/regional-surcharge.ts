import type { TokenRates } from '../../inference/upstream.ts';
import type { Nanodollars } from '../ledger-port.ts';
import type { KnownPrice } from '../provider-port.ts';

/**
 * What providers take more for an answer that is made in one region: a tenth of the price for any kind of token.
 * Anthropic ("Data residency"), OpenAI ("Data controls", regional processing) and xAI ("Regional Endpoints") do alike.
 */
const tenths = 11;

/** Addresses whose own names of one region stand before them, as in `eu.api.openai.com`. */
const usualHosts = ['api.openai.com', 'api.x.ai'];

/** Whether answers of that address are made in one region, which its provider bills with a surcharge. */
export function isRegionalAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/\.$/, '');
  return usualHosts.some((usual) => host.endsWith(`.${usual}`));
}

/** A sum with the surcharge, rounded up. */
export function withSurcharge(sum: Nanodollars): Nanodollars {
  return Math.ceil((sum * tenths) / 10);
}

/** The price of answers in one region. */
export function regionalPrice(known: KnownPrice): KnownPrice {
  const { longPrompt, imageUsd } = known.price;
  return {
    ...known,
    price: {
      ...dearerRates(known.price),
      ...(longPrompt ? { longPrompt: dearerRates(longPrompt) } : {}),
      ...(imageUsd === undefined ? {} : { imageUsd: dearer(imageUsd) }),
    },
    charactersUsd: dearer(known.charactersUsd),
  };
}

function dearerRates<T extends TokenRates>(rates: T): T {
  const { inputUsd, outputUsd, cachedInputUsd, cacheWriteUsd, hourCacheWriteUsd } = rates;
  return {
    ...rates,
    inputUsd: dearer(inputUsd),
    outputUsd: dearer(outputUsd),
    cachedInputUsd: dearer(cachedInputUsd),
    ...(cacheWriteUsd === undefined ? {} : { cacheWriteUsd: dearer(cacheWriteUsd) }),
    ...(hourCacheWriteUsd === undefined ? {} : { hourCacheWriteUsd: dearer(hourCacheWriteUsd) }),
  };
}

/** Without the digits that only the arithmetic of fractions adds. */
function dearer(usd: number): number;
function dearer(usd: number | null): number | null;
function dearer(usd: number | null): number | null {
  return usd === null ? null : Math.round(usd * tenths * 1e5) / 1e6;
}
