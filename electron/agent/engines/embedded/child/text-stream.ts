/** Turns tokens into text; `before` are the tokens just before them. */
export type Detokenize<Token> = (tokens: readonly Token[], before: readonly Token[]) => string;

const contextTokens = 4;
/** The longest UTF-8 character has four bytes, so a longer broken run is not a character on its way. */
const longestCharacterTokens = 4;
const replacement = '\u{FFFD}';

/** Text of a growing list of tokens, in pieces that never cut a character whose bytes lie in several tokens. */
export class TextStream<Token> {
  readonly #detokenize: Detokenize<Token>;
  #before: Token[];
  #pending: Token[] = [];

  /** `before` are the last tokens of the prompt: some tokenizers write a space depending on them. */
  constructor(detokenize: Detokenize<Token>, before: readonly Token[] = []) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-contextTokens);
  }

  /** The text that this token completes; empty while a character is unfinished. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    if (text.endsWith(replacement) && this.#pending.length < longestCharacterTokens) return '';
    return this.#take(text);
  }

  /** What is left when no more tokens come. */
  rest(): string {
    if (this.#pending.length === 0) return '';
    return this.#take(this.#detokenize(this.#pending, this.#before));
  }

  #take(text: string): string {
    this.#before = [...this.#before, ...this.#pending].slice(-contextTokens);
    this.#pending = [];
    return text;
  }
}
