import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { InferenceRequest, Operation } from '../../inference/request.ts';
import type { Capability, Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { ModelChoice } from '../../models/catalog-model.ts';
import type { EngineState } from '../supervisor/transition.ts';
import type { Endpoint } from './embedded-process.ts';

const paths: Record<Operation, string> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
};
const capabilities: readonly Capability[] = ['chat', 'completion', 'embedding', 'json'];

/** An answer that is not streamed has no byte before its last token, and a small machine may take long for that. */
const wholeAnswerMs = 60 * 60_000;
/** How often it is looked whether the last answer is complete. */
const idleCheckMs = 50;

/** Whether an engine in this state becomes ready without anybody's help. */
export function mendsItself(state: EngineState['kind']): boolean {
  switch (state) {
    case 'starting':
    case 'loading':
    case 'ready':
    case 'backoff':
    case 'stopping':
      return true;
    case 'stopped':
    case 'failed':
    case 'conflict':
      return false;
  }
}

export interface EmbeddedUpstreamDeps {
  readonly clock: Clock;
  readonly state: () => EngineState['kind'];
  /** True while answers under way are finished and no other is begun. */
  readonly draining: () => boolean;
  /** The engine's state in words. */
  readonly sentence: () => string;
  readonly model: () => ModelChoice | null;
}

/** The embedded engine as the gateway sees it: requests go over loopback HTTP to its process. */
export class EmbeddedUpstream implements Upstream {
  readonly #id: string;
  readonly #deps: EmbeddedUpstreamDeps;
  #endpoint: Endpoint | null = null;
  #wire: HttpUpstream | null = null;
  #headers: Readonly<Record<string, string>> = {};
  #connectedS = 0;

  constructor(options: { id: string }, deps: EmbeddedUpstreamDeps) {
    this.#id = options.id;
    this.#deps = deps;
  }

  /** Where the engine answers from now on; null while it does not. Answers on their way from the old place fail. */
  connect(endpoint: Endpoint | null): void {
    this.#wire?.close();
    this.#endpoint = endpoint;
    this.#connectedS = Math.floor(this.#deps.clock.now() / 1000);
    if (!endpoint) {
      this.#wire = null;
      return;
    }
    this.#headers = { Authorization: `Bearer ${endpoint.key}`, 'Content-Type': 'application/json' };
    this.#wire = new HttpUpstream(
      { host: '127.0.0.1', port: endpoint.port, name: 'The embedded engine' },
      { clock: this.#deps.clock },
    );
  }

  describe(): UpstreamDescription {
    const choice = this.#deps.model();
    const loaded = this.#endpoint?.model ?? null;
    return {
      id: this.#id,
      route: 'local',
      dialects: ['openai'],
      operations: ['chat', 'completion', 'embedding'],
      ready: this.#wire !== null && this.#deps.state() === 'ready' && !this.#deps.draining(),
      sentence: this.#deps.sentence(),
      comesUp: choice !== null && mendsItself(this.#deps.state()),
      models: choice
        ? [
            {
              id: choice.id,
              contextLength: loaded?.contextLength ?? null,
              capabilities,
              sizeBytes: choice.sizeBytes,
              loaded: loaded !== null,
              createdAtS: this.#connectedS,
            },
          ]
        : [],
      defaultModel: choice?.id ?? null,
      slots: loaded?.slots ?? 0,
    };
  }

  /** Resolves when no answer is under way any more, at the latest after `mostMs`. */
  async idle(mostMs: number): Promise<void> {
    const { clock } = this.#deps;
    const wire = this.#wire;
    const endMs = clock.monotonic() + mostMs;
    // A wire that was replaced is closed: its answers are over.
    while (wire !== null && wire === this.#wire && clock.monotonic() < endMs) {
      const { total, idle } = wire.connections;
      if (total === idle) return;
      await new Promise<void>((resolve) => {
        clock.after(idleCheckMs, resolve);
      });
    }
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const wire = this.#wire;
    if (!wire || this.#deps.draining()) {
      const failed = this.#deps.state() === 'failed';
      return Promise.reject(new AppError(failed ? 'engine_failed' : 'engine_not_ready', this.#deps.sentence()));
    }
    return wire.send(
      {
        method: 'POST',
        path: paths[request.operation],
        headers: this.#headers,
        body: request.body,
        ...(!request.stream && { deadlines: { firstByteMs: wholeAnswerMs } }),
      },
      signal,
    );
  }
}
