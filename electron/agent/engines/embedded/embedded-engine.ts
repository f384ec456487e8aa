import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { CatalogModel, ModelChoice } from '../../models/catalog-model.ts';
import type { Engine, EngineModel, LoadTarget } from '../engine.ts';
import type { EngineLog } from '../engine-log.ts';
import { snapshotOf } from '../engine-snapshot.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { EmbeddedProcess, type Endpoint } from './embedded-process.ts';
import { EmbeddedUpstream } from './embedded-upstream.ts';
import type { ChildSettings } from './protocol.ts';

/** How long answers under way may take before a restart breaks them off. */
const drainMs = 8_000;
const drainingSentence = 'The engine finishes its answers, then it restarts.';
const noModelSentence = 'There is no model to load. Put a GGUF file into the models folder.';

/** The models among which the engine chooses before each start. */
export interface ModelSource {
  /** Looks at the files again: one may have gone since. */
  refresh(): Promise<void>;
  /** The held model if it can still be loaded, else the one to load instead; null when there is none. */
  choose(held: ModelChoice | null): ModelChoice | null;
}

export interface EmbeddedEngineOptions {
  readonly nodePath: string;
  readonly childScript: string;
  /** Null when there is no model yet. */
  readonly model: ModelChoice | null;
  readonly contextSize: number | 'auto';
  readonly parallel: number | 'auto';
  readonly threads: number | 'auto';
}

export interface EmbeddedEngineDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: EngineLog;
  readonly leftovers: Leftovers;
  readonly models: ModelSource;
  readonly random: () => number;
}

/** llama.cpp in a process of ours: needs nothing installed, and loads any GGUF file that llama.cpp knows. */
export class EmbeddedEngine implements Engine {
  readonly id = 'embedded';
  readonly kind = 'embedded';
  readonly changed = new Announcer<void>();
  readonly log: EngineLog;
  readonly #options: EmbeddedEngineOptions;
  readonly #supervisor: Supervisor;
  readonly #upstream: EmbeddedUpstream;
  readonly #models: ModelSource;
  readonly #logger: Logger;
  #model: ModelChoice | null;
  /** Takes the model's place at the next start. */
  #next: ModelChoice | null = null;
  #choosing = false;
  /** The restart that waits for answers under way; null when none does. */
  #drain: { readonly restarted: Promise<unknown> } | null = null;
  #endpoint: Endpoint | null = null;
  #stats = { busy: 0, waiting: 0, memoryBytes: 0 };

  constructor(options: EmbeddedEngineOptions, deps: EmbeddedEngineDeps) {
    this.#options = options;
    this.#model = options.model;
    this.log = deps.log;
    this.#models = deps.models;
    this.#logger = deps.logger;
    const launcher = new EmbeddedProcess(
      { engineId: this.id, nodePath: options.nodePath, childScript: options.childScript },
      {
        clock: deps.clock,
        log: deps.log,
        leftovers: deps.leftovers,
        settings: () => this.#childSettings(),
        onEndpoint: (endpoint) => this.#onEndpoint(endpoint),
        onStats: ({ busy, waiting, memoryBytes }) => {
          this.#stats = { busy, waiting, memoryBytes };
          this.changed.announce();
        },
      },
    );
    this.#supervisor = new Supervisor({ ...deps, launcher });
    this.#upstream = new EmbeddedUpstream(
      { id: this.id },
      {
        clock: deps.clock,
        state: () => this.#supervisor.record.state.kind,
        draining: () => this.#drain !== null,
        sentence: () => this.snapshot().sentence,
        model: () => this.#model,
      },
    );
    this.#supervisor.changed.subscribe(() => {
      this.changed.announce();
    });
  }

  get upstream(): Upstream {
    return this.#upstream;
  }

  models(): readonly EngineModel[] {
    if (!this.#model) return [];
    const loaded = this.#endpoint?.model;
    const { kind } = this.#supervisor.record.state;
    return [
      {
        id: this.#model.id,
        path: this.#model.path,
        library: null,
        digest: null,
        state: loaded ? 'loaded' : kind === 'loading' || kind === 'starting' ? 'loading' : 'idle',
        progress: null,
        contextLength: loaded?.contextLength ?? null,
        slots: loaded?.slots ?? 0,
        memoryBytes: loaded ? this.#stats.memoryBytes : null,
        lastUsedMs: null,
      },
    ];
  }

  refuses(file: CatalogModel): string | null {
    return file.problem;
  }

  /** Takes the place of the model before: this engine has one at a time. */
  load(target: LoadTarget): Promise<void> {
    if (target.file) return this.use(target.file);
    throw new AppError('model_unusable', 'The embedded engine loads files only. Name a GGUF file.');
  }

  async unload(id: string, { drainMs: patienceMs }: { readonly drainMs: number }): Promise<void> {
    if (this.#model?.id !== id) return;
    await this.#upstream.idle(patienceMs);
    await this.#supervisor.stop();
  }

  snapshot(): EngineSnapshot {
    const { record } = this.#supervisor;
    const supervised = {
      ...snapshotOf(record),
      ...(this.#drain && record.state.kind === 'ready' && { state: 'draining' as const, sentence: drainingSentence }),
    };
    const slots = this.#endpoint?.model.slots ?? 0;
    return {
      ...(this.#model ? supervised : { ...supervised, state: 'absent', sentence: noModelSentence }),
      id: this.id,
      kind: this.kind,
      ownership: 'owned',
      version: this.#endpoint?.model.engineVersion ?? null,
      foundAt: this.#options.childScript,
      model: this.#model?.id ?? null,
      slots: { total: slots, busy: Math.min(this.#stats.busy, slots) },
      memoryBytes: this.#endpoint ? this.#stats.memoryBytes : null,
      url: null,
      manager: 'ranch-hand',
      advice: [],
      processes: [],
      availability: { day: null, week: null, month: null },
    };
  }

  async start(): Promise<void> {
    if (!this.#model) await this.#choose();
    if (this.#model) await this.#supervisor.start();
  }

  stop(): Promise<void> {
    this.#drain = null;
    return this.#supervisor.stop();
  }

  killNow(): void {
    this.#drain = null;
    this.#supervisor.killNow();
  }

  /** Finishes the answers under way, for a bounded time, and begins no other before the new start. */
  async restart(): Promise<void> {
    if (!this.#model) await this.#choose();
    if (this.#model) await this.#restartDrained(() => true);
  }

  /**
   * A real model takes the self-test model's place as soon as it is there. A running real model stays, even if its
   * file goes: which of two the node serves is the operator's choice. One that is not loaded and can no longer be
   * gives its place to the next.
   */
  onCatalogChange(): void {
    if (this.#endpoint !== null && this.#model?.selfTest === false) return;
    const next = this.#models.choose(this.#model);
    if (!next || next.path === this.#model?.path) return;
    this.#logger.info({ model: next.id }, 'another model takes the place of the one before');
    void this.use(next);
  }

  /** Loads another model, once the answers under way are complete or have had their time. */
  async use(model: ModelChoice): Promise<void> {
    const first = this.#model === null;
    if (first || this.#supervisor.record.state.kind === 'stopped') {
      this.#model = model;
      this.changed.announce();
      // An engine that the operator stopped stays stopped; it has the new model when it is started again.
      if (first) await this.#supervisor.restart();
      return;
    }
    this.#next = model;
    // A start that is choosing its model takes this one.
    if (!this.#choosing) await this.#restartDrained(() => this.#next !== null);
  }

  /** Restarts when nothing is under way, if that is then still needed and nobody stopped the engine meanwhile. */
  async #restartDrained(needed: () => boolean): Promise<void> {
    if (this.#drain) {
      await this.#drain.restarted;
      return;
    }
    const restarted = Promise.withResolvers<null>();
    const drain = { restarted: restarted.promise };
    this.#drain = drain;
    try {
      this.changed.announce();
      await this.#upstream.idle(drainMs);
      if (this.#drain === drain && needed()) await this.#supervisor.restart();
    } finally {
      if (this.#drain === drain) this.#drain = null;
      restarted.resolve(null);
      this.changed.announce();
    }
  }

  async #choose(): Promise<void> {
    this.#choosing = true;
    try {
      await this.#models.refresh();
    } finally {
      this.#choosing = false;
    }
    this.#model = this.#models.choose(this.#next ?? this.#model);
    this.#next = null;
    this.changed.announce();
  }

  async #childSettings(): Promise<Omit<ChildSettings, 'key'>> {
    await this.#choose();
    if (!this.#model) throw new AppError('model_unusable', noModelSentence);
    const { contextSize, parallel, threads } = this.#options;
    return { modelPath: this.#model.path, modelId: this.#model.id, contextSize, parallel, threads };
  }

  #onEndpoint(endpoint: Endpoint | null): void {
    this.#endpoint = endpoint;
    this.#stats = { busy: 0, waiting: 0, memoryBytes: 0 };
    this.#upstream.connect(endpoint);
  }
}
