/** A tool call that the fake makes, its arguments in these pieces. */
export interface FakeCall {
  readonly name: string;
  readonly pieces: readonly string[];
}

/** How the fake upstream of the Anthropic dialect behaves from now on; what is left out is as in the default. */
export interface FakeAnthropicBehaviour {
  /** Pieces of text in an answer. */
  readonly tokens: number;
  /** Text of a piece; `#` becomes its number. */
  readonly text: string;
  /** Pieces of thinking before the text. */
  readonly thinking: readonly string[];
  /** Calls after the text. */
  readonly calls: readonly FakeCall[];
  /** Null: end_turn, or tool_use after calls. */
  readonly stopReason: string | null;
  readonly stopSequence: string | null;
  /** Input tokens beside those of the cache. */
  readonly inputTokens: number;
  readonly cacheRead: number;
  readonly cacheWritten: number;
  readonly intervalMs: number;
  /** Delay before the head of the answer. */
  readonly firstMs: number;
  /** Pings before the first event, and then one before each piece. */
  readonly pings: number;
  /** How the end of a stream's body is known. */
  readonly framing: 'chunked' | 'close';
  /**
   * cut: the connection ends after `afterTokens` pieces (a plain answer: in its middle) · short: a stream ends there, its
   * framing whole · error-event: an event `error` of
   * `errorType` there · silent: nothing more comes there · hang: not even a head · drop: no answer at all · status: an
   * error with `status` · raw: `raw` as the body of a 200 of `rawType`.
   */
  readonly fault: 'none' | 'cut' | 'short' | 'error-event' | 'silent' | 'hang' | 'drop' | 'status' | 'raw';
  readonly afterTokens: number;
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
  /** The header of an error; null for none. */
  readonly retryAfter: string | null;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: string;
  readonly rawType: string;
  /**
   * What is billed, and told as usage. set: the tokens above · own: a count of the provider's own, another one each time,
   * up to a token for each byte of the request and `max_tokens` · most: exactly as much, all of the prompt written to the
   * cache.
   */
  readonly billing: 'set' | 'own' | 'most';
  /** Where answers are told to be made; null: nothing is told of that. */
  readonly region: string | null;
  /** Answers begin only when they are released. */
  readonly held: boolean;
}

export const defaultAnthropicBehaviour: FakeAnthropicBehaviour = {
  tokens: 8,
  text: 'tok# ',
  thinking: [],
  calls: [],
  stopReason: null,
  stopSequence: null,
  inputTokens: 7,
  cacheRead: 0,
  cacheWritten: 0,
  intervalMs: 1,
  firstMs: 0,
  pings: 0,
  framing: 'chunked',
  fault: 'none',
  afterTokens: 0,
  status: 529,
  errorType: 'overloaded_error',
  errorMessage: 'Overloaded',
  retryAfter: null,
  headers: {},
  raw: '',
  rawType: 'text/event-stream',
  billing: 'set',
  region: null,
  held: false,
};

/** What the provider says, with status 400, when the account's limit is reached. */
export const usageLimitFault: Partial<FakeAnthropicBehaviour> = {
  fault: 'status',
  status: 400,
  errorType: 'invalid_request_error',
  errorMessage: 'You have reached your specified API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.',
};

/** A request as it came. */
export interface FakeAnthropicRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** Blocks of images in it, those in results of tools included. */
  readonly images: number;
}

/** What the provider's own books have of an answer, an unfinished one too. Kinds of tokens never overlap. */
export interface FakeBill {
  /** From 1, in the order in which the requests came. */
  readonly number: number;
  readonly model: string;
  /** The first word of the request that begins with `label-`; null without one. */
  readonly label: string | null;
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of an answer that broke off: what had been sent of it. */
  readonly outputTokens: number;
  /** The answer went out to its end, with these counts in it. */
  readonly whole: boolean;
}

export interface FakeAnthropicState {
  /** Answers being made. */
  readonly active: number;
  readonly started: number;
  readonly finished: number;
  /** Answers whose connection was closed by the other side. */
  readonly aborted: number;
  readonly sockets: number;
  /** The last 50. */
  readonly requests: readonly FakeAnthropicRequest[];
}
