import type { SpeechOffer } from '../../inference/speech.ts';
import type { Usage } from '../../inference/usage.ts';
import { worstCost, type MostUsage } from '../../inference/worst-cost.ts';
import type { SpeechQuery } from './speech-query.ts';

/** What one text costs, as far as that is known before it is spoken. */
export type SpeechBill = {
  /** Dollars, and tokens for budgets of tokens, that it costs at most. */
  readonly worstUsd: number;
  readonly worstTokens: number;
  readonly most: MostUsage;
  /** What it takes by its characters. */
  readonly expected: Usage;
} & (
  | { readonly kind: 'characters' }
  /** Billed by the length of the sound, which the text does not tell: `expected` is an average. */
  | { readonly kind: 'sound' }
);

type Text = Pick<SpeechQuery, 'input' | 'characters' | 'instructions' | 'speed'>;
type Price = Pick<Extract<SpeechOffer, { kind: 'offered' }>, 'charactersUsd' | 'sound'>;

const perMillion = 1_000_000;
/**
 * Tokens of sound for one character at the most. Prose takes 1.3 in English; four of them are a very slow voice. What is
 * spoken out one by one (digits, capitals, signs) or stands for a syllable or more (Chinese, Japanese, Korean: five as
 * measured) takes up to half a second, at 21 tokens a second.
 */
const most = { prose: 4, spelled: 10 };
/** Silence before and after, in tokens. */
const silence = 60;
const prose = /[\p{Ll}\p{M}\s.,;:!?'’"()-]/gu;

/** Pure. */
export function speechBill({ input, characters, instructions, speed }: Text, price: Price): SpeechBill {
  const { charactersUsd, sound } = price;
  const nothing = { answerTokens: 0, promptTokens: 0, images: 0, keepsAnHour: false };
  if (sound === null) {
    const expected = { promptTokens: 0, completionTokens: 0, cachedTokens: null, characters };
    const worstUsd = (characters * charactersUsd) / perMillion;
    return { kind: 'characters', worstUsd, worstTokens: 0, most: { ...nothing, characters }, expected };
  }
  const slower = 1 / Math.min(1, speed ?? 1);
  // How to speak may well be: slowly.
  const drawl = slower * (instructions === null ? 1 : 2);
  const inProse = input.match(prose)?.length ?? 0;
  const longest = inProse * most.prose + (characters - inProse) * most.spelled + silence;
  const whole = {
    ...nothing,
    // A token has a byte at least.
    promptTokens: Buffer.byteLength(input) + Buffer.byteLength(instructions ?? ''),
    answerTokens: Math.ceil(longest * drawl),
  };
  const { textUsd, soundUsd } = sound;
  const average = Math.max(0, charactersUsd - textUsd) / soundUsd;
  return {
    kind: 'sound',
    worstUsd: worstCost(whole, { inputUsd: textUsd, outputUsd: soundUsd, cachedInputUsd: null }),
    worstTokens: whole.promptTokens + whole.answerTokens,
    most: whole,
    expected: {
      promptTokens: characters + (instructions ?? '').length,
      completionTokens: Math.ceil(characters * average * slower),
      cachedTokens: null,
    },
  };
}
