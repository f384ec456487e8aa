import path from 'node:path';
import type { EngineSnapshot, ModelSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import { AppError } from '../base/errors.ts';
import type { Upstream } from '../inference/upstream.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import { embeddedEngine } from './embedded/embedded-factory.ts';
import type { Engine } from './engine.ts';
import type { EngineFactory, EnginesDeps, EnginesOptions } from './engine-factory.ts';
import { Leftovers } from './supervisor/leftovers.ts';
import { identifyProcess } from './supervisor/process-identity.ts';
import { killTree } from './supervisor/process-tree.ts';

/** Every kind of engine, in the order in which the router prefers them. */
const factories: readonly EngineFactory[] = [embeddedEngine];

/** All engines of this node, and which models they hold. */
export class Engines {
  /** Announced after every change of what {@link list} or {@link models} says. */
  readonly changed = new Announcer<void>();
  readonly #engines: readonly Engine[];
  readonly #catalog: ModelCatalog;
  readonly #leftovers: Leftovers;
  #unsubscribe: (() => void) | null = null;

  constructor(options: EnginesOptions, deps: EnginesDeps) {
    const { logger } = deps;
    this.#catalog = deps.catalog;
    this.#leftovers = new Leftovers(
      { file: path.join(options.dataDir, 'engine-processes.json') },
      { identify: identifyProcess, kill: killTree, logger },
    );
    this.#engines = factories.flatMap(
      (make) => make(options, { ...deps, leftovers: this.#leftovers, defaultModel: () => null }) ?? [],
    );
    for (const engine of this.#engines) {
      engine.changed.subscribe(() => {
        this.changed.announce();
      });
    }
  }

  /** Ends what an earlier run left behind, then starts every engine. Does not wait for models to load. */
  async start(): Promise<void> {
    await this.#leftovers.sweep();
    this.#unsubscribe = this.#catalog.changed.subscribe(() => {
      this.changed.announce();
      for (const engine of this.#engines) engine.onCatalogChange();
    });
    await Promise.all(this.#engines.map((engine) => engine.start()));
  }

  /** Resolves when no engine of ours is left. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    await Promise.all(this.#engines.map((engine) => engine.stop()));
  }

  /** Kills every process of ours before it returns; on Windows it orders that. For an agent that ends at once. */
  killNow(): void {
    for (const engine of this.#engines) engine.killNow();
  }

  list(): EngineSnapshot[] {
    return this.#engines.map((engine) => engine.snapshot());
  }

  /** Every model file of this node, and where it is loaded; speeds are added by who measures them. */
  models(): ModelSnapshot[] {
    return this.#catalog.rows().map((row) => {
      const [holder] = this.#engines.flatMap((engine) =>
        engine.models().flatMap((model) => (model.path === row.path ? [{ engine, model }] : [])),
      );
      if (!holder) return { ...row, isDefault: false };
      const { engine, model } = holder;
      return {
        ...row,
        engineId: engine.id,
        loaded: model.state === 'loaded',
        state: model.state,
        isDefault: true,
        contextLength: model.contextLength ?? row.contextLength,
      };
    });
  }

  upstreams(): Upstream[] {
    return this.#engines.map((engine) => engine.upstream);
  }

  /** @throws AppError `not_found` */
  byId(id: string): Engine {
    const engine = this.#engines.find((candidate) => candidate.id === id);
    if (!engine) throw new AppError('not_found', `There is no engine ${id}.`);
    return engine;
  }
}
