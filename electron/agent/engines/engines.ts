import path from 'node:path';
import type { EngineSnapshot, ModelSnapshot } from '../../contract/snapshot.ts';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Upstream } from '../inference/upstream.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { ModelChoice } from '../models/catalog-model.ts';
import { EmbeddedEngine } from './embedded/embedded-engine.ts';
import type { Engine } from './engine.ts';
import { EngineLog } from './engine-log.ts';
import { RotatedFile } from './rotated-file.ts';
import { Leftovers } from './supervisor/leftovers.ts';
import { identifyProcess } from './supervisor/process-identity.ts';
import { killTree } from './supervisor/process-tree.ts';

export interface EnginesOptions {
  readonly dataDir: string;
  readonly logsDir: string;
  /** The embedded engine's program, `embedded-engine.js` of the build. */
  readonly childScript: string;
  /** The Node binary that runs it. */
  readonly nodeExecutable: string;
  /** As in the settings. */
  readonly embedded: {
    readonly enabled: boolean;
    /** Tokens a request may use. */
    readonly contextLength: number | 'auto';
    /** Requests side by side. */
    readonly parallel: number | 'auto';
    readonly threads: number | 'auto';
  };
}

export interface EnginesDeps {
  readonly catalog: ModelCatalog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads restarts. */
  readonly random?: () => number;
}

const logBytes = 5 * 1024 * 1024;
const logFiles = 3;

/** All engines of this node, and which models they hold. */
export class Engines {
  /** Announced after every change of what {@link list} or {@link models} says. */
  readonly changed = new Announcer<void>();
  readonly #engines: readonly Engine[];
  readonly #embedded: EmbeddedEngine | null;
  readonly #catalog: ModelCatalog;
  readonly #leftovers: Leftovers;
  readonly #logger: Logger;
  #unsubscribe: (() => void) | null = null;

  constructor(options: EnginesOptions, deps: EnginesDeps) {
    const { logger } = deps;
    this.#catalog = deps.catalog;
    this.#logger = logger;
    this.#leftovers = new Leftovers(
      { file: path.join(options.dataDir, 'engine-processes.json') },
      { identify: identifyProcess, kill: killTree, logger },
    );
    this.#embedded = options.embedded.enabled ? this.#newEmbedded(options, deps) : null;
    this.#engines = this.#embedded ? [this.#embedded] : [];
    for (const engine of this.#engines) {
      engine.changed.subscribe(() => {
        this.changed.announce();
      });
    }
  }

  #newEmbedded(options: EnginesOptions, deps: EnginesDeps): EmbeddedEngine {
    const { clock, logger } = deps;
    const { contextLength, parallel, threads } = options.embedded;
    const file = new RotatedFile({
      path: path.join(options.logsDir, 'engine-embedded.log'),
      maxBytes: logBytes,
      keep: logFiles,
    });
    return new EmbeddedEngine(
      {
        nodePath: options.nodeExecutable,
        childScript: options.childScript,
        model: deps.catalog.default(),
        contextSize: contextLength,
        parallel,
        threads,
      },
      {
        clock,
        logger,
        log: new EngineLog({ clock, file }),
        leftovers: this.#leftovers,
        models: {
          refresh: () => deps.catalog.rescan(),
          choose: (held) => chooseModel(deps.catalog, held),
        },
        random: deps.random ?? Math.random,
      },
    );
  }

  /** Ends what an earlier run left behind, then starts every engine. Does not wait for models to load. */
  async start(): Promise<void> {
    await this.#leftovers.sweep();
    this.#unsubscribe = this.#catalog.changed.subscribe(() => {
      this.#onCatalogChange();
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
    const embedded = this.#embedded;
    return this.#catalog.rows().map((row) => {
      if (embedded?.model?.path !== row.path) return { ...row, isDefault: false };
      const { id: engineId, loaded } = embedded;
      const contextLength = loaded?.contextLength ?? row.contextLength;
      return { ...row, engineId, loaded: loaded !== null, isDefault: true, contextLength };
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

  /**
   * A real model takes the self-test model's place as soon as it is there. A running real model stays, even if its
   * file goes: which of two the node serves is the operator's choice. One that is not loaded and can no longer be
   * gives its place to the next.
   */
  #onCatalogChange(): void {
    this.changed.announce();
    const embedded = this.#embedded;
    const next = this.#catalog.default();
    if (!embedded || !next || next.path === embedded.model?.path) return;
    if (embedded.loaded !== null && embedded.model?.selfTest === false) return;
    if (chooseModel(this.#catalog, embedded.model)?.path !== next.path) return;
    this.#logger.info({ model: next.id }, 'another model takes the place of the one before');
    void embedded.use(next);
  }
}

/** The held model if it can still be loaded, else the default; the self-test model gives way to any real one. */
function chooseModel(catalog: ModelCatalog, held: ModelChoice | null): ModelChoice | null {
  const same = catalog.list().find((model) => model.path === held?.path && model.problem === null);
  return same && !same.selfTest ? same : catalog.default();
}
