import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import type { EngineSite } from '../../../../electron/agent/engines/engine-factory.ts';
import type { Engine, EngineModel, LibraryModel, LoadTarget } from '../../../../electron/agent/engines/engine.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';
import type { WireResponse, WireSink } from '../../../../electron/agent/inference/wire-response.ts';
import type { CatalogModel } from '../../../../electron/agent/models/catalog-model.ts';
import type { EngineKind, EngineSnapshot, EngineStateName } from '../../../../electron/contract/snapshot.ts';

/** An answer under way at a {@link FakeLocalEngine}; the test ends it. */
export interface FakeAnswer {
  readonly model: string;
  readonly request: InferenceRequest;
  end(): void;
  fail(): void;
}

/** An engine in this process whose loads, answers and falls the test decides. */
export class FakeLocalEngine implements Engine {
  readonly changed = new Announcer<void>();
  readonly log = { tail: () => [], subscribe: () => () => undefined };
  readonly id: string;
  readonly kind: EngineKind;
  readonly upstream: Upstream;
  state: EngineStateName = 'ready';
  ownership: EngineSnapshot['ownership'] = 'owned';
  nextTryAt: string | null = null;
  /** Why it refuses every file; null when it takes all. */
  refusal: string | null = null;
  /** Loads wait for {@link finishLoad} instead of being done at once. */
  slowLoads = false;
  /** Unloads wait until the answers of the model have ended. */
  drains = true;
  /** Every answer waits for the test to end it; else it is complete at once. */
  slowAnswers = false;
  /** Models whose answers are errors, and models that cannot be loaded. */
  readonly dumb = new Set<string>();
  readonly broken = new Set<string>();
  readonly library = new Map<string, LibraryModel>();
  readonly answers: FakeAnswer[] = [];
  readonly calls: string[] = [];
  /** What the node gave it. */
  site: EngineSite | null = null;
  readonly #held = new Map<string, EngineModel>();
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: AppError) => void }>();

  constructor(id: string, kind: EngineKind) {
    this.id = id;
    this.kind = kind;
    this.upstream = {
      describe: () => this.#describe(),
      generate: (...args) => this.#generate(...args),
      countTokens: (model, body) => Promise.resolve(this.#held.has(model) ? body.length : null),
    };
  }

  snapshot(): EngineSnapshot {
    const { id, kind, ownership, state, nextTryAt } = this;
    const nothing = { version: null, foundAt: null, pid: null, readyAt: null, restarts: 0, lastExit: null, url: null };
    return {
      ...nothing,
      id,
      kind,
      ownership,
      state,
      nextTryAt,
      since: '2026-01-01T00:00:00.000Z',
      sentence: `The engine is ${state}.`,
      model: null,
      slots: { total: 2, busy: 0 },
      memoryBytes: null,
      manager: 'ranch-hand',
      advice: [],
      processes: [],
      availability: { day: null, week: null, month: null },
    };
  }

  models(): readonly EngineModel[] {
    const idle = [...this.library].flatMap(([id, library]) =>
      this.#held.has(id) ? [] : [heldModel(id, null, library, 'idle')],
    );
    return [...this.#held.values(), ...idle];
  }

  refuses(): string | null {
    return this.refusal;
  }

  async load({ id, file }: LoadTarget, signal: AbortSignal): Promise<void> {
    this.calls.push(`load ${id}`);
    if (this.#held.get(id)?.state === 'loaded') return;
    this.hold(id, file, 'loading');
    if (this.slowLoads) {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      this.#waiting.set(id, { resolve: () => resolve(undefined), reject });
      signal.addEventListener('abort', () => reject(new AppError('caller_gone', 'The load was given up.')));
      await promise.catch((error: unknown) => {
        this.drop(id);
        throw error;
      });
    }
    if (this.broken.has(id)) {
      this.drop(id);
      throw new AppError('model_unusable', 'It is broken.');
    }
    this.hold(id, file, 'loaded');
  }

  finishLoad(id: string): void {
    this.#waiting.get(id)?.resolve();
  }

  async unload(id: string): Promise<void> {
    this.calls.push(`unload ${id}`);
    const held = this.#held.get(id);
    if (!held) return;
    this.#set({ ...held, state: 'unloading' });
    // As with a real one, a load that comes meanwhile takes it back.
    const isLeaving = (): boolean => this.#held.get(id)?.state === 'unloading';
    while (this.drains && isLeaving() && this.answers.some(({ model }) => model === id)) {
      await new Promise<void>((resolve) => {
        const cancel = this.changed.subscribe(() => {
          cancel();
          resolve();
        });
      });
    }
    if (isLeaving()) this.drop(id);
  }

  onCatalogChange(): void {
    // Nothing of it matters here.
  }

  start(): Promise<void> {
    this.calls.push('start');
    if (this.state === 'stopped') this.turn('ready');
    return Promise.resolve();
  }

  stop({ drainMs } = { drainMs: 0 }): Promise<void> {
    this.calls.push(drainMs > 0 ? `stop after ${drainMs} ms` : 'stop');
    for (const { reject } of this.#waiting.values()) reject(new AppError('engine_not_ready', 'It was stopped.'));
    for (const id of [...this.#held.keys()]) this.drop(id);
    this.turn('stopped');
    return Promise.resolve();
  }

  restart(): Promise<void> {
    return this.start();
  }

  killNow(): void {
    this.calls.push('kill');
  }

  /** Puts a model into the engine as if it had loaded it by itself. */
  hold(id: string, file: CatalogModel | null, state: EngineModel['state']): void {
    this.#set(heldModel(id, file?.path ?? null, this.library.get(id) ?? null, state));
  }

  drop(id: string): void {
    this.#held.delete(id);
    this.#waiting.delete(id);
    this.changed.announce();
  }

  turn(state: EngineStateName): void {
    this.state = state;
    this.changed.announce();
  }

  loadedIds(): string[] {
    return [...this.#held.values()].filter(({ state }) => state === 'loaded').map(({ id }) => id);
  }

  #set(model: EngineModel): void {
    this.#held.set(model.id, model);
    this.changed.announce();
  }

  #describe(): UpstreamDescription {
    // A real one lists what it loads, too, and does not know yet what that can do.
    const listed = [...this.#held.values()].filter(({ state }) => state === 'loaded' || state === 'loading');
    const loaded = listed.filter(({ state }) => state === 'loaded');
    const isUp = this.state === 'ready' || this.state === 'adopted';
    return {
      id: this.id,
      route: 'local',
      dialects: ['openai'],
      operations: loaded.length > 0 ? ['chat', 'completion'] : [],
      ready: isUp && (loaded.length > 0 || this.library.size > 0),
      sentence: this.snapshot().sentence,
      comesUp: this.state !== 'failed' && this.state !== 'stopped',
      models: listed.map(({ id, state }) => ({
        id,
        contextLength: 2_048,
        capabilities: state === 'loaded' ? ['chat', 'completion'] : [],
        sizeBytes: 1,
        loaded: state === 'loaded',
        createdAtS: 1,
      })),
      defaultModel: null,
      slots: isUp ? 2 : 0,
    };
  }

  #generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const { model } = request;
    const isUp = this.state === 'ready' || this.state === 'adopted';
    if (!isUp || this.#held.get(model)?.state !== 'loaded') {
      return Promise.reject(new AppError('engine_not_ready', `${model} is not loaded at ${this.id}.`));
    }
    this.calls.push(`${request.trace === 'warm-up' ? 'warm' : 'ask'} ${model}`);
    return Promise.resolve(this.#answer(request, signal));
  }

  #answer(request: InferenceRequest, signal: AbortSignal): WireResponse {
    const { model } = request;
    const isWarmUp = request.trace === 'warm-up';
    const status = this.dumb.has(model) ? 500 : 200;
    const bytes = Buffer.from(JSON.stringify({ model, engine: this.id, choices: [{ text: 'x' }] }));
    const over = (answer: FakeAnswer): void => {
      this.answers.splice(this.answers.indexOf(answer), 1);
      this.changed.announce();
    };
    const pipe = (sink: WireSink): void => {
      const end = (): void => {
        sink.payload(bytes, 0, bytes.length);
        sink.raw(bytes);
        sink.end();
      };
      if (isWarmUp || !this.slowAnswers) {
        end();
        return;
      }
      const answer: FakeAnswer = {
        model,
        request,
        end: () => {
          over(answer);
          end();
        },
        fail: () => {
          over(answer);
          sink.fail(new AppError('upstream_failed', 'The engine fell.'), true);
        },
      };
      signal.addEventListener('abort', () => over(answer));
      this.answers.push(answer);
      this.changed.announce();
    };
    const framing = { kind: 'length', lengthBytes: bytes.length } as const;
    return { status, headers: new Map(), body: { framing, pipe, resume: () => undefined, destroy: () => undefined } };
  }
}

function heldModel(
  id: string,
  path: string | null,
  library: LibraryModel | null,
  state: EngineModel['state'],
): EngineModel {
  const loaded = state === 'loaded';
  return {
    id,
    path,
    library,
    digest: null,
    state,
    progress: state === 'loading' ? 0.5 : null,
    contextLength: loaded ? 2_048 : null,
    slots: loaded ? 2 : 0,
    memoryBytes: loaded ? 100 : null,
    lastUsedMs: null,
  };
}
