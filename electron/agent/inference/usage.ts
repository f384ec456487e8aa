/** Token counts of one answer, as far as the upstream told them. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that came from the prefix cache. */
  readonly cachedTokens: number | null;
  /** Of the completion tokens, those of the model's thinking, where that is told. */
  readonly reasoningTokens?: number | null;
  /** Prompt tokens that a provider wrote into its cache, where that is told. */
  readonly cacheWriteTokens?: number | null;
  /** Of `cacheWriteTokens`, those that the provider keeps for an hour or longer, where that is told. */
  readonly hourCacheWriteTokens?: number | null;
  /** Models that are told to have counted in here; left out where none is told, as mostly. */
  readonly models?: readonly string[];
  /** It is told to have been made in one region, which is billed with a surcharge; left out for others. */
  readonly inRegion?: true;
  /** Dollars that the provider says it bills for the answer; null or left out where it names no sum. */
  readonly billedUsd?: number | null;
  /** Characters of text that were made into speech, which is billed by them; left out for everything else. */
  readonly characters?: number;
}

/** What the token meter saw of one answer. Times are milliseconds. */
export interface AnswerFigures {
  readonly usage: Usage | null;
  /** From the request's arrival to the first token; null when none came. */
  readonly ttftMs: number | null;
  readonly durationMs: number;
  /** Tokens that went by, counted from the stream when the upstream gave no usage. */
  readonly tokens: number;
  /**
   * The count in `usage` came before the answer's end, or leaves the answer out: what is billed was not told. Left out: it
   * is the answer's.
   */
  readonly isPartial?: true;
  /** Bytes of text, about, of an answer that broke off or whose count never came; left out for others. */
  readonly answerBytes?: number;
  /**
   * Decode speed by the engine's own clock where it told, else tokens after the first ÷ seconds after the first; null
   * below two tokens.
   */
  readonly tokensPerSecond: number | null;
  /** Speed of reading the prompt by the engine's own clock; null when it did not tell. */
  readonly prefillTokensPerSecond: number | null;
  /** Why the answer ended; null when that was not told, or was something else. */
  readonly finish: FinishReason | null;
}

/** The answer came to its end, to its limit, or to calls of tools. */
export type FinishReason = 'stop' | 'length' | 'tool';
