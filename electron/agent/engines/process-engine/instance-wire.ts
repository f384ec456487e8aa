import type { Clock } from '../../base/clock.ts';
import type { InferenceRequest, Operation } from '../../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import { countPromptTokens } from './count-tokens.ts';
import type { ProcessEndpoint } from './process-kind.ts';
import { tellingProgress, withoutProgress } from './prompt-progress.ts';
import { SlotQueue } from './slot-queue.ts';
import { withFields } from './spliced-body.ts';

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
/** A stream that its caller gets whole may be silent for as long as a whole answer. */
const gatheredDeadlines = { silenceMs: wireDeadlines.firstByteMs };
/**
 * Nobody hears the pieces that keep the caller of a silent stream company, and they would pass for progress of a server
 * that makes none.
 */
export const withoutPings = { sse_ping_interval: -1 };
/** How often it is looked whether the last answer is complete. */
const idleCheckMs = 50;

/** The connections to one process, for as long as it lives. */
export class InstanceWire {
  readonly upstream: Upstream;
  readonly #http: HttpUpstream;
  /** For questions that are no answers under way. */
  readonly #asides: HttpUpstream;
  readonly #queue: SlotQueue;
  readonly #clock: Clock;
  #closed = false;

  constructor(
    options: {
      readonly endpoint: ProcessEndpoint;
      readonly name: string;
      /** See `noticesInStreams` of upstreams. */
      readonly noticesInStreams: boolean;
    },
    deps: { readonly clock: Clock; readonly describe: () => UpstreamDescription },
  ) {
    const { endpoint, name, noticesInStreams } = options;
    const { clock, describe } = deps;
    this.#clock = clock;
    const http = new HttpUpstream(
      { host: '127.0.0.1', port: endpoint.port, name, deadlines: wireDeadlines },
      { clock },
    );
    this.#http = http;
    this.#asides = new HttpUpstream({ host: '127.0.0.1', port: endpoint.port, name }, { clock });
    this.#queue = new SlotQueue({ slots: endpoint.slots, name });
    const headers = {
      'Content-Type': 'application/json',
      ...(endpoint.key !== null && { Authorization: `Bearer ${endpoint.key}` }),
    };
    this.upstream = {
      describe,
      generate: (request, signal) =>
        this.#placed(request, endpoint.placing, signal, async (body, onOver) => {
          const tells = noticesInStreams && request.stream && request.operation !== 'embedding';
          const asked = tells ? withFields(body, tellingProgress) : body;
          const wire = {
            method: 'POST',
            path: paths[request.operation],
            headers,
            body: asked,
            ...(onOver && { onOver }),
          } as const;
          const deadlines = request.gathered === true ? { deadlines: gatheredDeadlines } : {};
          const response = await http.send({ ...wire, ...deadlines }, signal);
          return tells ? withoutProgress(response) : response;
        }),
      countTokens: (_, body) => countPromptTokens({ http: this.#asides, headers }, body, clock),
    };
  }

  /**
   * Sends the request with the slot that it belongs to, once that is free: the server has never more to do than it has
   * slots. What waits inside it would stay there when its caller leaves, since it looks after callers only when it has
   * something to tell them. A slot is free when its answer is complete, or when the server has noticed that nobody
   * listens to it any more.
   */
  async #placed(
    { operation, session, body, gathered }: InferenceRequest,
    placing: ProcessEndpoint['placing'],
    signal: AbortSignal,
    send: (body: Buffer, onOver?: () => void) => Promise<WireResponse>,
  ): Promise<WireResponse> {
    if (placing === 'none' || operation === 'embedding') return send(body);
    if (placing === 'session') return send(session === undefined ? body : withFields(body, { session }));
    const slot = await this.#queue.take(session ?? null, signal);
    // Written last, and so in place of whatever a caller named.
    const placed = withFields(body, {
      id_slot: slot.id,
      cache_prompt: true,
      ...(gathered === true ? withoutPings : {}),
    });
    return send(placed, () => slot.release());
  }

  /** Answers under way, and requests that wait for a slot. */
  get busy(): number {
    const { total, idle } = this.#http.connections;
    return total - idle + this.#queue.waiting;
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
    this.#queue.close();
    this.#http.close();
    this.#asides.close();
  }
}
