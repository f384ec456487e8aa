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
}

const paths: Readonly<Record<Operation, string>> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
};

/** An upstream behind an HTTP API of the OpenAI dialect. Its owner says what it is; this knows how to ask it. */
export class OpenAiUpstream implements Upstream {
  readonly #http: HttpUpstream;
  readonly #basePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #describe: () => UpstreamDescription;

  constructor(options: OpenAiUpstreamOptions, deps: { clock: Clock; describe: () => UpstreamDescription }) {
    this.#http = new HttpUpstream(options, deps);
    this.#basePath = options.basePath ?? '';
    this.#describe = deps.describe;
    const key = options.apiKey === null ? {} : { Authorization: `Bearer ${options.apiKey}` };
    this.#headers = { 'Content-Type': 'application/json', ...key };
  }

  describe(): UpstreamDescription {
    return this.#describe();
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const path = this.#basePath + paths[request.operation];
    return this.#http.send({ method: 'POST', path, headers: this.#headers, body: request.body }, signal);
  }

  /** Closes the connections; answers on their way fail. */
  close(): void {
    this.#http.close();
  }
}
