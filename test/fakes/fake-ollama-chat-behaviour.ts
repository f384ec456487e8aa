import type { FakeToolCall } from './fake-openai-behaviour.ts';

/** How the fake upstream of the Ollama dialect behaves from now on; what is left out is as in the default. */
export interface FakeOllamaChatBehaviour {
  readonly tokens: number;
  /** Text of a token; `#` becomes its number. */
  readonly text: string;
  readonly calls: readonly FakeToolCall[];
  readonly intervalMs: number;
  /** Delay before the head of the answer. */
  readonly firstMs: number;
  /** How the end of a stream's body is known. */
  readonly framing: 'chunked' | 'close';
  /**
   * cut: the connection ends in the middle of a line · short: a stream ends there, its framing whole · error-line: a line
   * that tells an error · silent: nothing more comes · status: an error with `status`.
   */
  readonly fault: 'none' | 'cut' | 'short' | 'error-line' | 'silent' | 'status';
  /** Tokens before the fault. */
  readonly afterTokens: number;
  readonly status: number;
  readonly errorMessage: string;
  readonly retryAfter: string | null;
}

export const defaultOllamaChatBehaviour: FakeOllamaChatBehaviour = {
  tokens: 8,
  text: 'tok# ',
  calls: [],
  intervalMs: 1,
  firstMs: 0,
  framing: 'chunked',
  fault: 'none',
  afterTokens: 0,
  status: 500,
  errorMessage: 'It went wrong.',
  retryAfter: null,
};

export interface FakeOllamaChatState {
  readonly active: number;
  readonly started: number;
  readonly finished: number;
  /** Answers whose connection was closed by the other side. */
  readonly aborted: number;
  readonly sockets: number;
  readonly lastBody: string;
  readonly lastPath: string;
}
