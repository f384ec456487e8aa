import { RecentMap } from './recent-map.ts';

/** How much text and how many images a prompt has. */
export interface PromptSize {
  /** Of all that the model reads: system, messages, tools, schemas. */
  readonly characters: number;
  readonly images: number;
}

interface Learnt {
  readonly charactersPerToken: number;
  readonly tokensPerImage: number;
  readonly count: number;
}

/** On the safe side for prose (about 4.2) and about right for code and JSON. */
const defaultCharactersPerToken = 3.6;
/** What most vision models take for one picture is between 256 and 800. */
const defaultTokensPerImage = 576;
/** What a chat template puts around the shortest of chats. */
const templateTokens = 12;
/** Shorter prompts tell more of the template than of the tokenizer. */
const leastTokens = 64;
const leastCharactersPerToken = 0.5;
const mostCharactersPerToken = 12;
const mostTokensPerImage = 20_000;
const newestWeight = 0.2;
const modelLimit = 256;

/** Learns how many tokens a prompt has from those that were counted by the models themselves. */
export class PromptSizes {
  readonly #models = new RecentMap<string, Learnt>(modelLimit);

  /** Tokens to expect of a prompt; a little too many rather than too few. */
  tokens(model: string, { characters, images }: PromptSize): number {
    const { charactersPerToken, tokensPerImage } = this.#known(model);
    return Math.ceil(characters / charactersPerToken + images * tokensPerImage) + templateTokens;
  }

  /** A prompt turned out to have so many tokens. */
  observe(model: string, { characters, images }: PromptSize, promptTokens: number): void {
    const text = promptTokens - templateTokens;
    if (text < leastTokens || characters <= 0) return;
    const known = this.#known(model);
    const weight = Math.max(newestWeight, 1 / (known.count + 1));
    if (images > 0) {
      const each = (text - characters / known.charactersPerToken) / images;
      if (each <= 0 || each > mostTokensPerImage) return;
      const tokensPerImage = known.tokensPerImage + weight * (each - known.tokensPerImage);
      this.#models.set(model, { ...known, tokensPerImage });
      return;
    }
    const ratio = characters / text;
    if (ratio < leastCharactersPerToken || ratio > mostCharactersPerToken) return;
    const charactersPerToken = known.charactersPerToken + weight * (ratio - known.charactersPerToken);
    this.#models.set(model, { ...known, charactersPerToken, count: known.count + 1 });
  }

  #known(model: string): Learnt {
    const start = { charactersPerToken: defaultCharactersPerToken, tokensPerImage: defaultTokensPerImage, count: 0 };
    return this.#models.get(model) ?? start;
  }
}
