import type { CheckedModel, ShortProbe } from './evidence.ts';

/** Words of the short prompt: more than any template adds in tokens, so that the two can be told apart. */
export const shortWords = 200;

/** One word that is one token in the vocabularies of today's models. */
const word = ' one';

/** The windows that engines fall back to silently are 2,048 and 4,096; a prompt just longer shows both. */
const tellingTokens = 4_352;
const leastTellingTokens = 2_304;
const overshootTokens = 64;
const longestMs = 20_000;

export type LongPlan =
  | { readonly kind: 'send'; readonly words: number; readonly expectedTokens: number }
  | { readonly kind: 'skip'; readonly why: string };

/** The text of a prompt with that many countable words. `nonce` keeps it out of what the engine may have cached. */
export function promptOf(words: number, nonce: number): string {
  return `Check ${nonce}.${word.repeat(words)}`;
}

/** How long the long prompt should be, from what a word costs by the engine's own count. Pure. */
export function planLong(model: CheckedModel, short: ShortProbe): LongPlan {
  const { promptTokens, tookMs } = short;
  if (promptTokens === null) return { kind: 'skip', why: 'the engine does not count the tokens of prompts' };
  const each = Math.floor(promptTokens / shortWords);
  if (each === 0) return { kind: 'skip', why: 'this vocabulary makes one token of several words' };
  const rest = promptTokens - each * shortWords;

  const speed = model.prefillTokensPerSecond ?? (promptTokens * 1_000) / Math.max(1, tookMs);
  const affordable = Math.floor((longestMs / 1_000) * speed);
  const { wanted, least } = wantedTokens(model);
  if (affordable < least) {
    const seconds = Math.ceil(least / speed);
    return { kind: 'skip', why: `a prompt long enough would take ${seconds} s to read` };
  }
  const words = Math.floor((Math.min(wanted, affordable) - rest) / each);
  if (words <= shortWords) return { kind: 'skip', why: 'the context is too short for a long prompt' };
  return { kind: 'send', words, expectedTokens: rest + words * each };
}

/**
 * A small window is tried just beyond its end: an engine that cuts prompts shows itself there, an honest one refuses.
 * A model that was trained for no more loses nothing by it. `least`: what still tells something.
 */
function wantedTokens({ contextLength, trainedContextLength }: CheckedModel): { wanted: number; least: number } {
  if (contextLength === null) return { wanted: tellingTokens, least: leastTellingTokens };
  const couldBeMore = trainedContextLength === null || trainedContextLength > contextLength;
  if (contextLength <= 4_096 && couldBeMore) {
    const wanted = contextLength + overshootTokens;
    return { wanted, least: wanted };
  }
  const wanted = Math.min(tellingTokens, Math.floor(contextLength * 0.9));
  return { wanted, least: Math.min(wanted, leastTellingTokens) };
}
