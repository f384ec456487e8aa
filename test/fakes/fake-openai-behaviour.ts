/** A tool call that the fake makes, its arguments in these pieces. */
export interface FakeToolCall {
  readonly name: string;
  readonly pieces: readonly string[];
}

/** How the fake upstream behaves from now on; what is left out is as in {@link defaultBehaviour}. */
export interface FakeBehaviour {
  readonly tokens: number;
  readonly intervalMs: number;
  /** Delay before the head of the answer. */
  readonly firstMs: number;
  /** Text of a token; `#` becomes its number, and `@` what the caller wrote, where that is a word. */
  readonly text: string;
  /** Tokens are times of the monotonic clock instead; the first one also tells when the request arrived. */
  readonly stamp: boolean;
  readonly framing: 'chunked' | 'close';
  /**
   * cut: the connection ends between two chunks (a plain answer: in its middle) · short: a stream ends there, its framing
   * whole · error-event: an event that tells an error, then the end mark · silent: nothing more comes · drop: no answer at
   * all · raw: `raw` instead of an answer · status: an error with `status`.
   */
  readonly fault:
    | 'none'
    | 'cut'
    | 'short'
    | 'error-event'
    | 'cut-mid-chunk'
    | 'cut-mid-large-chunk'
    | 'silent'
    | 'bad-framing'
    | 'drop'
    | 'raw'
    | 'status';
  /** Tokens before the fault. */
  readonly afterTokens: number;
  /** The bytes of the answer, Latin-1, when the fault is `raw`. */
  readonly raw: string;
  /** Of an error, with the header Retry-After; null for none. */
  readonly status: number;
  readonly errorMessage: string;
  readonly retryAfter: string | null;
  /** Calls of tools after the text; those answers end for that reason. */
  readonly calls: readonly FakeToolCall[];
  /** Closes the connection after each answer. */
  readonly closeAfter: boolean;
}

export const defaultBehaviour: FakeBehaviour = {
  tokens: 8,
  intervalMs: 1,
  firstMs: 0,
  text: 'tok# ',
  stamp: false,
  framing: 'chunked',
  fault: 'none',
  afterTokens: 0,
  raw: '',
  status: 500,
  errorMessage: 'It went wrong.',
  retryAfter: null,
  calls: [],
  closeAfter: false,
};

export interface FakeState {
  readonly active: number;
  readonly started: number;
  readonly finished: number;
  /** Answers whose connection was closed by the other side. */
  readonly aborted: number;
  readonly sockets: number;
  readonly lastBody: string;
  readonly lastHead: string;
}
