import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { ModelChoice } from '../../models/catalog-model.ts';
import type { Engine } from '../engine.ts';
import type { EngineLog } from '../engine-log.ts';
import { snapshotOf } from '../engine-snapshot.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { EmbeddedProcess, type Endpoint } from './embedded-process.ts';
import { EmbeddedUpstream } from './embedded-upstream.ts';
import type { ChildSettings, LoadedModel } from './protocol.ts';

const noModelSentence = 'There is no model to load. Put a GGUF file into the models folder.';

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
  #model: ModelChoice | null;
  #endpoint: Endpoint | null = null;
  #stats = { busy: 0, waiting: 0, memoryBytes: 0 };

  constructor(options: EmbeddedEngineOptions, deps: EmbeddedEngineDeps) {
    this.#options = options;
    this.#model = options.model;
    this.log = deps.log;
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

  /** The model it loads at the next start, or has loaded. */
  get model(): ModelChoice | null {
    return this.#model;
  }

  /** What the running process said of its model; null while none is loaded. */
  get loaded(): LoadedModel | null {
    return this.#endpoint?.model ?? null;
  }

  snapshot(): EngineSnapshot {
    const { record } = this.#supervisor;
    const supervised = snapshotOf(record);
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
    };
  }

  async start(): Promise<void> {
    if (this.#model) await this.#supervisor.start();
  }

  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  killNow(): void {
    this.#supervisor.killNow();
  }

  async restart(): Promise<void> {
    if (this.#model) await this.#supervisor.restart();
  }

  /** Loads another model: ends the process and starts it anew. Answers under way break off. */
  async use(model: ModelChoice): Promise<void> {
    const first = this.#model === null;
    this.#model = model;
    this.changed.announce();
    // An engine that the operator stopped stays stopped; it has the new model when it is started again.
    if (first || this.#supervisor.record.state.kind !== 'stopped') await this.#supervisor.restart();
  }

  #childSettings(): Omit<ChildSettings, 'key'> {
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
