import type { IncomingHttpHeaders } from 'node:http';

/** How the fake provider of speech answers from now on. */
export interface FakeSpeechBehaviour {
  readonly status: number;
  readonly message: string;
  readonly errorType: string;
  readonly retryAfter: string | null;
  /** The error's sentence quotes the key, as OpenAI's does in part. */
  readonly repeatsKey: boolean;
  /**
   * hang: no head · drop: the connection ends without one · cut: it ends in the middle · stay: everything but the end ·
   * page: HTML with status 200 · redirect: sent elsewhere.
   */
  readonly fault: 'none' | 'hang' | 'drop' | 'cut' | 'stay' | 'page' | 'redirect';
  readonly cutAfter: number;
  readonly frames: number;
  readonly frameBytes: number;
  readonly gapMs: number;
  /** Told at the end of events; null for none. */
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly total_tokens: number;
  } | null;
}

export const usualSpeech: FakeSpeechBehaviour = {
  status: 200,
  message: 'Something is wrong.',
  errorType: 'server_error',
  retryAfter: null,
  repeatsKey: false,
  fault: 'none',
  cutAfter: 2,
  frames: 5,
  frameBytes: 417,
  gapMs: 0,
  usage: null,
};

export interface SpokenRequest {
  readonly authorization: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** Characters that it bills. */
  readonly billed: number;
}

export interface FakeSpeechState {
  readonly requests: readonly SpokenRequest[];
  readonly active: number;
  readonly aborted: number;
}
