import type { Clock } from '../../base/clock.ts';
import type { AppError } from '../../base/errors.ts';
import type { InferenceRequest, Operation } from '../../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireBody, WireResponse, WireSink } from '../../inference/wire-response.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import { countPromptTokens } from './count-tokens.ts';
import type { ProcessEndpoint } from './process-kind.ts';
import { SessionSlots } from './session-slots.ts';
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
/**
 * Until the first token of a stream, and all through an answer that is not streamed, a server of llama.cpp's looks once a
 * second whether its caller is still there; until then the slot works for nobody.
 */
const noticedAfterMs = 1_200;
/** How often it is looked whether the last answer is complete. */
const idleCheckMs = 50;

/** The connections to one process, for as long as it lives. */
export class InstanceWire {
  readonly upstream: Upstream;
  readonly #http: HttpUpstream;
  /** For questions that are no answers under way. */
  readonly #asides: HttpUpstream;
  readonly #slots: SessionSlots;
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
    this.#asides = new HttpUpstream({ host: '127.0.0.1', port: endpoint.port, name }, { clock });
    this.#slots = new SessionSlots({ slots: endpoint.slots });
    const headers = {
      'Content-Type': 'application/json',
      ...(endpoint.key !== null && { Authorization: `Bearer ${endpoint.key}` }),
    };
    this.upstream = {
      describe,
      generate: (request, signal) =>
        this.#placed(request, endpoint.placing, signal, (body) => {
          const wire = { method: 'POST', path: paths[request.operation], headers, body } as const;
          return http.send(request.gathered === true ? { ...wire, deadlines: gatheredDeadlines } : wire, signal);
        }),
      countTokens: (_, body) => countPromptTokens({ http: this.#asides, headers }, body, clock),
    };
  }

  /** Sends the request with the slot that it belongs to, and gives that back when its answer is over. */
  async #placed(
    { operation, session, stream, body, gathered }: InferenceRequest,
    placing: ProcessEndpoint['placing'],
    signal: AbortSignal,
    send: (body: Buffer) => Promise<WireResponse>,
  ): Promise<WireResponse> {
    if (placing === 'none' || operation === 'embedding') return send(body);
    if (placing === 'session') return send(session === undefined ? body : withFields(body, { session }));
    const slot = this.#slots.take(session ?? null);
    const release = (): void => slot?.release();
    let begun = false;
    const onAbort = (): void => {
      if (stream && begun) release();
      else this.#clock.after(noticedAfterMs, release);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // Written last, and so in place of whatever a caller named: −1 leaves the choice to the server.
      const response = await send(
        withFields(body, {
          id_slot: slot?.id ?? -1,
          cache_prompt: true,
          ...(gathered === true ? withoutPings : {}),
        }),
      );
      begun = true;
      return { ...response, body: new ReleasingBody(response.body, () => (signal.aborted ? undefined : release())) };
    } catch (error) {
      if (!signal.aborted) release();
      throw error;
    }
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
    this.#asides.close();
  }
}

/** Passes a body on, and tells when it is over, whichever way. */
class ReleasingBody implements WireBody, WireSink {
  readonly #inner: WireBody;
  readonly #release: () => void;
  #sink: WireSink | null = null;

  constructor(inner: WireBody, release: () => void) {
    this.#inner = inner;
    this.#release = release;
  }

  get framing(): WireBody['framing'] {
    return this.#inner.framing;
  }

  pipe(sink: WireSink): void {
    this.#sink = sink;
    this.#inner.pipe(this);
  }

  resume(): void {
    this.#inner.resume();
  }

  destroy(): void {
    this.#release();
    this.#inner.destroy();
  }

  raw(bytes: Buffer): boolean {
    return this.#sink?.raw(bytes) ?? true;
  }

  payload(bytes: Buffer, start: number, end: number): void {
    this.#sink?.payload(bytes, start, end);
  }

  end(): void {
    this.#release();
    this.#sink?.end();
  }

  fail(error: AppError, intact: boolean): void {
    this.#release();
    this.#sink?.fail(error, intact);
  }
}
