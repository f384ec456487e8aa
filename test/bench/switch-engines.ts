import { once } from 'node:events';
import { Announcer } from '../../electron/agent/base/announcer.ts';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { AppError } from '../../electron/agent/base/errors.ts';
import type { EngineFactory } from '../../electron/agent/engines/engine-factory.ts';
import type { Engine, EngineModel, LoadTarget } from '../../electron/agent/engines/engine.ts';
import { Uses } from '../../electron/agent/engines/switching/uses.ts';
import { OpenAiUpstream } from '../../electron/agent/inference/openai-upstream.ts';
import type { InferenceRequest } from '../../electron/agent/inference/request.ts';
import type { UpstreamDescription } from '../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../electron/agent/inference/wire-response.ts';
import type { EngineSnapshot } from '../../electron/contract/snapshot.ts';

/** Milliseconds that a switch spent inside its engine: loading, unloading, answering the first short request. */
export interface Spent {
  engineMs: number;
}

/** The engine, with what it takes for a switch counted. */
export function timed(make: EngineFactory, spent: Spent): EngineFactory {
  return (options, deps) => {
    const engine = make(options, deps);
    if (!engine) return null;
    const count = async <T>(work: Promise<T>): Promise<T> => {
      const startMs = performance.now();
      try {
        return await work;
      } finally {
        spent.engineMs += performance.now() - startMs;
      }
    };
    const generate = (request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> => {
      const answer = engine.upstream.generate(request, signal);
      return request.trace === 'warm-up' ? count(answer) : answer;
    };
    const { id, kind, log, changed } = engine;
    return {
      id,
      kind,
      log,
      changed,
      upstream: { describe: () => engine.upstream.describe(), generate },
      snapshot: () => engine.snapshot(),
      models: () => engine.models(),
      refuses: (file) => engine.refuses(file),
      load: (target, signal) => count(engine.load(target, signal)),
      unload: (model, how) => count(engine.unload(model, how)),
      onCatalogChange: () => engine.onCatalogChange(),
      start: () => engine.start(),
      stop: () => engine.stop(),
      killNow: () => engine.killNow(),
      restart: () => engine.restart(),
    };
  };
}

/** An engine that takes exactly so long to load a model, and answers through a fake upstream in another process. */
export class SlowLoader implements Engine {
  readonly id = 'slow-loader';
  readonly kind = 'llama-server';
  readonly changed = new Announcer<void>();
  readonly log = { tail: () => [], subscribe: () => () => undefined };
  readonly upstream: Engine['upstream'];
  readonly #loadMs: number;
  readonly #uses = new Uses({ clock: systemClock });
  readonly #held = new Map<string, EngineModel>();
  readonly #wire: OpenAiUpstream;

  constructor(options: { readonly loadMs: number; readonly port: number }) {
    this.#loadMs = options.loadMs;
    const { port } = options;
    this.#wire = new OpenAiUpstream(
      { host: '127.0.0.1', port, name: 'The slow loader', apiKey: null },
      { clock: systemClock, describe: () => this.#describe() },
    );
    this.upstream = {
      describe: () => this.#describe(),
      generate: (request, signal) => {
        if (this.#held.get(request.model)?.state !== 'loaded') {
          return Promise.reject(new AppError('engine_not_ready', `${request.model} is not loaded.`));
        }
        return this.#uses.count(request.model, () => this.#wire.generate(request, signal));
      },
    };
  }

  async load({ id, file }: LoadTarget): Promise<void> {
    if (this.#held.get(id)?.state === 'loaded') return;
    this.#hold(id, file?.path ?? null, 'loading');
    await once(AbortSignal.timeout(this.#loadMs), 'abort');
    this.#hold(id, file?.path ?? null, 'loaded');
  }

  async unload(id: string): Promise<void> {
    const held = this.#held.get(id);
    if (held) this.#hold(id, held.path, 'unloading');
    while (this.#uses.inFlight(id) > 0) await once(AbortSignal.timeout(1), 'abort');
    this.#held.delete(id);
    this.changed.announce();
  }

  models(): readonly EngineModel[] {
    return [...this.#held.values()];
  }

  refuses(): null {
    return null;
  }

  snapshot(): EngineSnapshot {
    const nothing = { version: null, foundAt: null, pid: null, readyAt: null, lastExit: null, nextTryAt: null };
    return {
      ...nothing,
      id: this.id,
      kind: this.kind,
      ownership: 'owned',
      state: 'ready',
      since: new Date(0).toISOString(),
      sentence: 'Ready.',
      restarts: 0,
      model: null,
      slots: { total: 8, busy: 0 },
      memoryBytes: null,
      url: null,
      manager: 'ranch-hand',
      advice: [],
      processes: [],
      availability: { day: null, week: null, month: null },
    };
  }

  onCatalogChange(): void {
    // It looks at no files.
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#wire.close();
    return Promise.resolve();
  }

  restart(): Promise<void> {
    return Promise.resolve();
  }

  killNow(): void {
    this.#wire.close();
  }

  #hold(id: string, path: string | null, state: EngineModel['state']): void {
    const nothing = { library: null, digest: null, progress: null, memoryBytes: null, lastUsedMs: null };
    this.#held.set(id, { ...nothing, id, path, state, contextLength: 4_096, slots: 8 });
    this.changed.announce();
  }

  #describe(): UpstreamDescription {
    const loaded = [...this.#held.values()].filter(({ state }) => state === 'loaded');
    return {
      id: this.id,
      route: 'local',
      dialects: ['openai'],
      operations: ['chat', 'completion', 'embedding'],
      ready: loaded.length > 0,
      sentence: 'Ready.',
      models: loaded.map(({ id }) => ({
        id,
        contextLength: 4_096,
        capabilities: ['chat', 'completion'],
        sizeBytes: 1,
        loaded: true,
        createdAtS: 0,
      })),
      defaultModel: null,
      slots: 8,
    };
  }
}
