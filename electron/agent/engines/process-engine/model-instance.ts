import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { InferenceRequest } from '../../inference/request.ts';
import type { Capability, ModelDetails, ServedModel, Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import type { EngineModel, LoadOptions, LoadTarget } from '../engine.ts';
import { detailsOf } from '../model-details.ts';
import { loadDeadlineMs } from '../supervisor/progress.ts';
import { ProgressWatch } from '../supervisor/progress-watch.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import type { EngineRecord } from '../supervisor/transition.ts';
import {
  heldModel,
  isRising,
  processLine,
  servedModel,
  supervisedPart,
  whyNotUp,
  type InstanceFacts,
} from './instance-picture.ts';
import { InstanceWire, wireDeadlines } from './instance-wire.ts';
import type { InstancePlan, ProcessEndpoint, ProcessKind, ProcessStats } from './process-kind.ts';

export interface ModelInstanceDeps {
  readonly kind: ProcessKind;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

const noStats: ProcessStats = { memoryBytes: null, progress: null };

/** One model in a process of its own: started, watched, started again, drained and stopped. */
export class ModelInstance {
  readonly plan: InstancePlan;
  /** Announced after every change of what it says of itself. */
  readonly changed = new Announcer<void>();
  readonly #deps: ModelInstanceDeps;
  readonly #supervisor: Supervisor;
  readonly #watch: ProgressWatch;
  readonly #details: ModelDetails;
  #endpoint: ProcessEndpoint | null = null;
  /** Those of the last process, while the next one comes up. */
  #capabilities: readonly Capability[] = ['chat', 'completion'];
  #wire: InstanceWire | null = null;
  #upstream: Upstream | null = null;
  #stats = noStats;
  /** Drains under way: while there is one, no other answer is begun. */
  #drains = 0;
  /** It is on its way out: nobody waits for it any more. Aborted when it is wanted again before its process is ended. */
  #leaving: AbortController | null = null;
  #ending = false;
  /** Who waits for it to come up, beside requests. */
  #loaders = 0;
  #wasReady = false;
  #readySinceS = 0;
  #lastUsedMs: number;

  constructor(plan: InstancePlan, deps: ModelInstanceDeps) {
    this.plan = plan;
    this.#deps = deps;
    this.#details = detailsOf(plan.file);
    this.#lastUsedMs = deps.clock.now();
    const launcher = deps.kind.launcher(plan, {
      endpoint: (endpoint) => this.#connect(endpoint),
      stats: (stats) => {
        this.#stats = stats;
        this.changed.announce();
      },
    });
    this.#supervisor = new Supervisor({ ...deps, launcher, loadDeadlineMs: () => loadDeadlineMs(plan.file.sizeBytes) });
    this.#watch = new ProgressWatch(
      {},
      {
        clock: deps.clock,
        progressOf: () => this.#endpoint?.progressOf?.() ?? Promise.resolve(null),
        onWedged: (reason) => {
          const { state } = this.record;
          if ('pid' in state) void this.#supervisor.wedged(state.pid, reason);
        },
      },
    );
    this.#supervisor.changed.subscribe(() => this.changed.announce());
  }

  get record(): EngineRecord {
    return this.#supervisor.record;
  }

  /** Null while the process does not answer. */
  get endpoint(): ProcessEndpoint | null {
    return this.#endpoint;
  }

  get memoryBytes(): number | null {
    return this.#stats.memoryBytes;
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  get draining(): boolean {
    return this.#drains > 0;
  }

  /** It answers requests now. */
  get ready(): boolean {
    return this.#upstream !== null && this.record.state.kind === 'ready' && !this.draining;
  }

  /** Nobody else waits for it to be loaded. */
  get unwanted(): boolean {
    return this.#loaders === 0;
  }

  /** It does not answer, and will without anybody's help. */
  get rising(): boolean {
    return this.#leaving === null && isRising(this.record, this.ready);
  }

  /** Answers under way. */
  get busy(): number {
    return this.#wire?.busy ?? 0;
  }

  sameAs(target: LoadTarget): boolean {
    const { file, options } = this.plan;
    const alike = (name: keyof LoadOptions): boolean => options[name] === target.options[name];
    return file.path === target.file?.path && alike('contextLength') && alike('parallel') && alike('kvType');
  }

  /**
   * Starts it unless it runs, and resolves when it answers. A process that ends before that is started again, after
   * the supervisor's backoff, until it is given up; a model that cannot be loaded is given up at once.
   *
   * @throws AppError `model_unusable`, `engine_failed`, `engine_not_ready`, `caller_gone`
   */
  async load(signal: AbortSignal): Promise<void> {
    this.#loaders += 1;
    try {
      await this.#comeUp(signal);
    } finally {
      this.#loaders -= 1;
    }
  }

  async #comeUp(signal: AbortSignal): Promise<void> {
    const { kind } = this.record.state;
    if (kind === 'stopped' || kind === 'failed' || kind === 'conflict') await this.#supervisor.start();
    const settled = Promise.withResolvers<null>();
    const look = (): void => {
      try {
        if (this.#isUp(signal)) settled.resolve(null);
      } catch (error) {
        settled.reject(error);
      }
    };
    const cancel = this.changed.subscribe(look);
    signal.addEventListener('abort', look);
    try {
      look();
      await settled.promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', look);
    }
  }

  #isUp(signal: AbortSignal): boolean {
    if (signal.aborted) throw new AppError('caller_gone', 'Loading the model was given up.');
    const error = whyNotUp(this.record, this.plan.id, () =>
      this.#wasReady ? null : this.#deps.kind.unusable(this.record.lastExit?.lastLines ?? []),
    );
    if (error) throw error;
    return this.ready;
  }

  /** Starts it as before, without waiting for it to answer. */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Begins no other answer, and does that when none is under way any more, at the latest after `mostMs`. */
  async drained(mostMs: number, then: () => Promise<void>, givenUp?: AbortSignal): Promise<void> {
    this.#drains += 1;
    this.changed.announce();
    try {
      await this.#wire?.idle(mostMs, givenUp);
      await then();
    } finally {
      this.#drains -= 1;
      this.changed.announce();
    }
  }

  /**
   * Begins no other answer, lets those under way finish for at most `mostMs`, and resolves with true when no process is
   * left; with false when it was wanted again before its process was told to end, see {@link stay}.
   */
  async leave(mostMs: number): Promise<boolean> {
    this.#leaving ??= new AbortController();
    const { signal } = this.#leaving;
    const end = async (): Promise<void> => {
      if (signal.aborted) return;
      this.#ending = true;
      await this.#supervisor.stop();
    };
    await this.drained(mostMs, end, signal);
    return !signal.aborted;
  }

  /** Wanted again: it takes requests as before. False when its process is being ended already. */
  stay(): boolean {
    if (this.#ending) return false;
    this.#leaving?.abort();
    this.#leaving = null;
    return true;
  }

  restart(): Promise<void> {
    return this.#supervisor.restart();
  }

  /** Resolves when no process is left. */
  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  killNow(): void {
    this.#supervisor.killNow();
  }

  /** See {@link Upstream.generate}; a request for a model that is coming up waits for it. */
  async generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    if (this.rising) await this.#comeUp(signal);
    if (!this.ready || !this.#upstream) {
      const { sentence, state } = this.supervised();
      throw new AppError(state === 'failed' || state === 'conflict' ? 'engine_failed' : 'engine_not_ready', sentence);
    }
    this.#lastUsedMs = this.#deps.clock.now();
    const wire = this.#wire;
    const response = await this.#upstream.generate(request, signal);
    if (this.#deps.kind.oneConversation) void this.#renewAfter(wire);
    return response;
  }

  /** See {@link Upstream.countTokens}. */
  async countTokens(body: Buffer, signal: AbortSignal): Promise<number | null> {
    if (!this.ready) return null;
    return (await this.#upstream?.countTokens?.(this.plan.id, body, signal)) ?? null;
  }

  /** Some builds do not live through a second conversation: the next one finds a new process. */
  async #renewAfter(wire: InstanceWire | null): Promise<void> {
    await this.drained(wireDeadlines.firstByteMs, async () => {
      if (wire !== null && wire === this.#wire && this.record.state.kind === 'ready') await this.#supervisor.restart();
    });
  }

  #connect(endpoint: ProcessEndpoint | null): void {
    this.#wire?.close();
    this.#watch.stop();
    this.#endpoint = endpoint;
    this.#wire = null;
    this.#upstream = null;
    if (!endpoint) {
      this.#stats = noStats;
      this.changed.announce();
      return;
    }
    this.#wasReady = true;
    this.#capabilities = endpoint.capabilities;
    const { clock, kind } = this.#deps;
    this.#readySinceS = Math.floor(clock.now() / 1000);
    this.#lastUsedMs = clock.now();
    this.#wire = new InstanceWire(
      { endpoint, name: kind.name, noticesInStreams: kind.noticesInStreams },
      { clock, describe: () => this.#described() },
    );
    this.#upstream = this.#watch.watch(this.#wire.upstream);
  }

  /** Of use to the watch only: the engine as a whole describes itself. */
  #described(): UpstreamDescription {
    return {
      id: this.plan.id,
      route: 'local',
      dialects: ['openai'],
      operations: [],
      ready: this.ready,
      sentence: '',
      models: [this.served()],
      defaultModel: this.plan.id,
      slots: this.#endpoint?.slots ?? 0,
    };
  }

  served(): ServedModel {
    return servedModel(this.#facts());
  }

  /** As the engine's owner sees it. */
  model(): EngineModel {
    return heldModel(this.#facts());
  }

  /** The part of the engine's snapshot that is this process's. */
  supervised(): ReturnType<typeof supervisedPart> {
    return supervisedPart(this.record, this.draining);
  }

  /** Its line among the engine's processes; null while there is none. */
  process(): EngineSnapshot['processes'][number] | null {
    return processLine(this.#facts());
  }

  #facts(): InstanceFacts {
    return {
      plan: this.plan,
      details: this.#details,
      record: this.record,
      endpoint: this.#endpoint,
      capabilities: this.#capabilities,
      stats: this.#stats,
      draining: this.draining,
      leaving: this.#leaving !== null,
      rising: this.rising,
      readySinceS: this.#readySinceS,
      lastUsedMs: this.#lastUsedMs,
    };
  }
}
