import type { Clock } from '../base/clock.ts';
import type { InferenceRequest, Operation } from './request.ts';
import type { Upstream, UpstreamDescription } from './upstream.ts';
import type { WireResponse } from './wire-response.ts';
import { HttpUpstream, type HttpUpstreamOptions } from './wire/http-upstream.ts';

export interface OpenAiUpstreamOptions extends HttpUpstreamOptions {
  /** Sent as a bearer key; null for none. */
  readonly apiKey: string | null;
  /** What stands before `/v1/…`, such as `/openai`. Default: nothing. */
  readonly basePath?: string;
  /** Longest time to the head of an answer that is not streamed, and so to all of it. Default: six hours. */
  readonly wholeAnswerMs?: number;
}

/**
 * An answer that is not streamed has no byte before its last token, and a small machine may take long for that. An
 * engine that hangs meanwhile is its owner's to notice.
 */
const defaultWholeAnswerMs = 6 * 60 * 60_000;

const paths: Readonly<Record<Operation, string>> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
};

/** An upstream behind an HTTP API of the OpenAI dialect. Its owner says what it is; this knows how to ask it. */
export class OpenAiUpstream implements Upstream {
  readonly #http: HttpUpstream;
  readonly #basePath: string;
  readonly #wholeAnswerMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #describe: () => UpstreamDescription;

  constructor(options: OpenAiUpstreamOptions, deps: { clock: Clock; describe: () => UpstreamDescription }) {
    this.#http = new HttpUpstream(options, deps);
    this.#basePath = options.basePath ?? '';
    this.#wholeAnswerMs = options.wholeAnswerMs ?? defaultWholeAnswerMs;
    this.#describe = deps.describe;
    const key = options.apiKey === null ? {} : { Authorization: `Bearer ${options.apiKey}` };
    this.#headers = Object.freeze({ 'Content-Type': 'application/json', ...key });
  }

  describe(): UpstreamDescription {
    return this.#describe();
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const path = this.#basePath + paths[request.operation];
    const wire = { method: 'POST', path, headers: this.#headers, body: request.body } as const;
    const firstByteMs = this.#wholeAnswerMs;
    if (request.gathered === true) {
      return this.#http.send({ ...wire, deadlines: { firstByteMs, silenceMs: firstByteMs } }, signal);
    }
    return this.#http.send(request.stream ? wire : { ...wire, deadlines: { firstByteMs } }, signal);
  }

  /** Closes the connections; answers on their way fail. */
  close(): void {
    this.#http.close();
  }
}
