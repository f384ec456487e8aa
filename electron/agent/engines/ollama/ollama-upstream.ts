import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Dialect, InferenceRequest, Operation } from '../../inference/request.ts';
import type { Capability, ServedModel, Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireBody, WireResponse, WireSink } from '../../inference/wire-response.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { OllamaAddress } from './address.ts';
import { fullName, shortName } from './library-model.ts';
import { jsonOf } from './ollama-wire.ts';
import type { WatchedModel } from './ollama-watch.ts';
import { withHeededThink, withoutReloadOptions } from '../../inference/ollama-body.ts';

const paths: Readonly<Partial<Record<Dialect, Readonly<Record<Operation, string>>>>> = {
  openai: { chat: '/v1/chat/completions', completion: '/v1/completions', embedding: '/v1/embeddings' },
  ollama: { chat: '/api/chat', completion: '/api/generate', embedding: '/api/embed' },
};
/** An answer that is not streamed has no byte before its last token; one that is may wait for its model to load. */
const wholeAnswerMs = 60 * 60_000;
const firstTokenMs = 30 * 60_000;
/** Longer than what a wedged process is judged by. */
const silenceMs = 150_000;
const headers = { 'Content-Type': 'application/json' };

export interface OllamaUpstreamState {
  readonly ready: boolean;
  readonly sentence: string;
  readonly comesUp: boolean;
  readonly models: readonly WatchedModel[];
  readonly defaultModel: string | null;
  readonly slots: number;
  /** The context that a model gets when it is loaded, unless it was trained for less; null where that is not told. */
  readonly contextLength: number | null;
}

export interface OllamaUpstreamDeps {
  readonly clock: Clock;
  readonly state: () => OllamaUpstreamState;
  /** A request for a model begins; full name. */
  readonly onUse: (model: string) => void;
}

/** What was last listed, and what it was made of. */
interface Served {
  readonly from: readonly WatchedModel[];
  readonly contextLength: number | null;
  readonly models: readonly ServedModel[];
}

/** The models of an Ollama as the gateway sees them. */
export class OllamaUpstream implements Upstream {
  readonly #options: { readonly id: string; readonly allowCallerReload: boolean };
  readonly #deps: OllamaUpstreamDeps;
  #address: OllamaAddress | null = null;
  #http: HttpUpstream | null = null;
  /** Requests under way by full name of their model; aborting one breaks it off. */
  readonly #underWay = new Map<string, Set<AbortController>>();
  readonly #idleWaiters = new Set<() => void>();
  readonly #closing = new Set<string>();
  #served: Served = { from: [], contextLength: null, models: [] };

  constructor(options: { readonly id: string; readonly allowCallerReload: boolean }, deps: OllamaUpstreamDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Where it answers from now on; null while it does not. Answers on their way from the old place fail. */
  connect(address: OllamaAddress | null): void {
    if (address?.host === this.#address?.host && address?.port === this.#address?.port) return;
    this.#http?.close();
    this.#address = address;
    this.#http =
      address &&
      new HttpUpstream({ ...address, name: 'Ollama', deadlines: { silenceMs } }, { clock: this.#deps.clock });
  }

  get busy(): number {
    return [...this.#underWay.values()].reduce((sum, { size }) => sum + size, 0);
  }

  describe(): UpstreamDescription {
    const { ready, sentence, comesUp, models, defaultModel, slots, contextLength } = this.#deps.state();
    return {
      id: this.#options.id,
      route: 'local',
      dialects: ['openai', 'ollama'],
      operations: ['chat', 'completion', 'embedding'],
      ready: ready && this.#http !== null,
      sentence,
      comesUp,
      models: this.#servedOf(models, contextLength),
      defaultModel,
      slots,
    };
  }

  async generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const http = this.#http;
    const path = paths[request.dialect]?.[request.operation];
    if (path === undefined) throw new AppError('unsupported_capability', 'Ollama does not speak this dialect.');
    const { ready, sentence } = this.#deps.state();
    if (!http || !ready) throw new AppError('engine_not_ready', sentence);
    const model = fullName(request.model);
    if (this.#closing.has(model)) {
      throw new AppError('engine_not_ready', `${shortName(model)} is being unloaded. Try again in a moment.`);
    }
    this.#deps.onUse(model);
    const broken = new AbortController();
    const done = this.#begin(model, broken);
    const causeOf = (error: AppError): AppError =>
      broken.signal.aborted && !signal.aborted ? brokenOff(model) : error;
    // An answer whose head is there and whose body nobody reads ends with its caller.
    signal.addEventListener('abort', done, { once: true });
    try {
      const response = await http.send(
        {
          method: 'POST',
          path,
          headers,
          body: request.dialect === 'ollama' ? this.#normalised(request.body, model) : request.body,
          deadlines: { firstByteMs: request.stream ? firstTokenMs : wholeAnswerMs },
        },
        AbortSignal.any([signal, broken.signal]),
      );
      const body = new CountedBody(response.body, done, causeOf);
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      done();
      throw causeOf(toAppError(error));
    }
  }

  /**
   * Begins no request for the model until the result is called, and resolves when those under way are over, at the
   * latest after `mostMs` or when `givenUp` is aborted.
   */
  async drain(model: string, mostMs: number, givenUp: AbortSignal): Promise<() => void> {
    this.#closing.add(model);
    await this.idle(mostMs, model, givenUp);
    return () => {
      this.#closing.delete(model);
    };
  }

  /** Ends the answers of a model: their callers are told that they are incomplete. */
  breakOff(model: string): void {
    for (const request of [...(this.#underWay.get(model) ?? [])]) request.abort();
  }

  /**
   * Resolves when no answer is under way (of one model, or of all), at the latest after `mostMs` or when `givenUp` is
   * aborted.
   */
  idle(mostMs: number, model: string | null = null, givenUp?: AbortSignal): Promise<void> {
    const isIdle = (): boolean => (model === null ? this.busy === 0 : !this.#underWay.has(model));
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        cancel();
        givenUp?.removeEventListener('abort', settle);
        this.#idleWaiters.delete(check);
        resolve();
      };
      givenUp?.addEventListener('abort', settle);
      const check = (): void => {
        if (isIdle()) settle();
      };
      const cancel = this.#deps.clock.after(mostMs, settle);
      this.#idleWaiters.add(check);
    });
  }

  #begin(model: string, request: AbortController): () => void {
    const requests = this.#underWay.get(model) ?? new Set();
    this.#underWay.set(model, requests.add(request));
    return () => {
      if (!requests.delete(request)) return;
      if (requests.size === 0) this.#underWay.delete(model);
      for (const waiter of [...this.#idleWaiters]) waiter();
    };
  }

  #normalised(body: Buffer, model: string): Buffer {
    const parsed = jsonOf(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return body;
    const received = { ...parsed };
    const kept = this.#options.allowCallerReload ? received : withoutReloadOptions(received).body;
    const details = this.#deps.state().models.find(({ row }) => row.name === model)?.details;
    const settled = withHeededThink(kept, details ?? { thinks: null, architecture: null });
    return settled === received ? body : Buffer.from(JSON.stringify(settled));
  }

  /** Both names of each model: Ollama takes either. Made anew only when the library has changed. */
  #servedOf(models: readonly WatchedModel[], contextLength: number | null): readonly ServedModel[] {
    if (this.#served.from !== models || this.#served.contextLength !== contextLength) {
      const served = models.flatMap((model) => servedModels(model, contextLength));
      this.#served = { from: models, contextLength, models: served };
    }
    return this.#served.models;
  }
}

function servedModels({ row, library, details, loaded }: WatchedModel, contextLength: number | null): ServedModel[] {
  const trained = library.contextLength ?? contextLength;
  const expected = contextLength === null || trained === null ? null : Math.min(trained, contextLength);
  const capabilities: Capability[] = [...library.capabilities];
  const served: ServedModel = {
    id: shortName(row.name),
    contextLength: loaded?.context_length ?? expected,
    capabilities,
    sizeBytes: row.size,
    loaded: loaded !== null,
    createdAtS: Math.floor((library.modifiedMs ?? 0) / 1000),
    details,
  };
  return served.id === row.name ? [served] : [served, { ...served, id: row.name }];
}

function brokenOff(model: string): AppError {
  const name = shortName(model);
  return new AppError(
    'upstream_failed',
    `${name} was unloaded before its answer was complete. Send the request again.`,
  );
}

/** Passes a body on and tells when it is over, whichever way. */
class CountedBody implements WireBody {
  readonly #inner: WireBody;
  readonly #done: () => void;
  readonly #causeOf: (error: AppError) => AppError;

  /** `causeOf`: what to tell of a failure. */
  constructor(inner: WireBody, done: () => void, causeOf: (error: AppError) => AppError) {
    this.#inner = inner;
    this.#done = done;
    this.#causeOf = causeOf;
  }

  get framing(): WireBody['framing'] {
    return this.#inner.framing;
  }

  pipe(sink: WireSink): void {
    this.#inner.pipe({
      raw: (bytes) => sink.raw(bytes),
      payload: (bytes, start, end) => {
        sink.payload(bytes, start, end);
      },
      end: () => {
        this.#done();
        sink.end();
      },
      fail: (error, intact) => {
        this.#done();
        sink.fail(this.#causeOf(error), intact);
      },
    });
  }

  resume(): void {
    this.#inner.resume();
  }

  destroy(): void {
    this.#done();
    this.#inner.destroy();
  }
}
