import type { Clock } from '../../base/clock.ts';
import type { Operation } from '../../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { ProcessEndpoint } from './process-kind.ts';

const paths: Readonly<Record<Operation, string>> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
};

/**
 * Only so that nothing waits for ever: whether the process moves is judged by its {@link ProgressWatch}, which knows
 * what it may take.
 */
export const wireDeadlines = { firstByteMs: 2 * 60 * 60_000, silenceMs: 10 * 60_000 };
/** How often it is looked whether the last answer is complete. */
const idleCheckMs = 50;

/** The connections to one process, for as long as it lives. */
export class InstanceWire {
  readonly upstream: Upstream;
  readonly #http: HttpUpstream;
  readonly #clock: Clock;
  #closed = false;

  constructor(
    options: { readonly endpoint: ProcessEndpoint; readonly name: string },
    deps: { readonly clock: Clock; readonly describe: () => UpstreamDescription },
  ) {
    const { endpoint, name } = options;
    const { clock, describe } = deps;
    this.#clock = clock;
    const http = new HttpUpstream(
      { host: '127.0.0.1', port: endpoint.port, name, deadlines: wireDeadlines },
      { clock },
    );
    this.#http = http;
    const headers = {
      'Content-Type': 'application/json',
      ...(endpoint.key !== null && { Authorization: `Bearer ${endpoint.key}` }),
    };
    this.upstream = {
      describe,
      generate: ({ operation, body }, signal) =>
        http.send({ method: 'POST', path: paths[operation], headers, body }, signal),
    };
  }

  /** Answers under way. */
  get busy(): number {
    const { total, idle } = this.#http.connections;
    return total - idle;
  }

  /** Resolves when no answer is under way any more, at the latest after `mostMs` or when `givenUp` is aborted. */
  async idle(mostMs: number, givenUp?: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const endMs = clock.monotonic() + mostMs;
    // Closed, its answers are over.
    while (!this.#closed && givenUp?.aborted !== true && this.busy > 0 && clock.monotonic() < endMs) {
      await new Promise<void>((resolve) => {
        clock.after(idleCheckMs, resolve);
      });
    }
  }

  /** Answers on their way fail. */
  close(): void {
    this.#closed = true;
    this.#http.close();
  }
}
