import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { Mailbox } from '../../base/mailbox.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { Engine, EngineModel, LoadOptions, LoadTarget } from '../engine.ts';
import type { EngineLog } from '../engine-log.ts';
import { ProgressWatch } from '../supervisor/progress-watch.ts';
import type { AdoptedOllama } from './adopted-ollama.ts';
import type { OllamaSearch } from './find-ollama.ts';
import { fullName, shortName } from './library-model.ts';
import type { OllamaApi } from './ollama-api.ts';
import { OllamaLibrary } from './ollama-library.ts';
import { OllamaLoads } from './ollama-loads.ts';
import {
  answers,
  apiOf,
  contextOf,
  modelNamed,
  modelsOf,
  runs,
  slotsOf,
  watchOf,
  type OllamaMode,
} from './ollama-mode.ts';
import { modelOf, ollamaSnapshot } from './ollama-snapshot.ts';
import { OllamaUpstream } from './ollama-upstream.ts';
import type { OllamaProgress } from './ollama-wire.ts';
import { sameSettings, settingsFor, type OwnSettings } from './own-environment.ts';
import type { OwnedOllama } from './owned-ollama.ts';

/** How long answers under way may take before a restart breaks them off. */
const restartDrainMs = 8_000;
/** How long a load waits for an engine that is only starting. */
const readyMs = 60_000;
/** How often it is looked whether the operator's own has come up beside ours. */
const besideEveryMs = 15_000;
/** A request may have to wait until a large model is read from a slow disk. */
const firstByteMs = 15 * 60_000;

export interface OllamaEngineOptions {
  readonly id: string;
  readonly platform: NodeJS.Platform;
  /** False when the operator named an address and no program: then only that address is used. */
  readonly mayOwn: boolean;
  readonly allowCallerReload: boolean;
  /** True when the settings leave the context to the engine, so that a load's own wish counts. */
  readonly automaticContext: boolean;
}

export interface OllamaEngineDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: EngineLog;
  readonly defaultModel: () => string | null;
  readonly adopt: (isBusy: () => boolean) => AdoptedOllama;
  readonly find: () => Promise<OllamaSearch>;
  readonly own: (program: string, isBusy: () => boolean) => OwnedOllama;
}

/**
 * Ollama: one that runs already is adopted, else one on this machine is started. It has a library of its own and loads
 * a model by itself when a request comes; what this engine loads ahead stays loaded.
 */
export class OllamaEngine implements Engine {
  readonly id: string;
  readonly kind = 'ollama';
  readonly changed = new Announcer<void>();
  readonly log: EngineLog;
  readonly upstream: Upstream;
  readonly #options: OllamaEngineOptions;
  readonly #deps: OllamaEngineDeps;
  readonly #mailbox = new Mailbox();
  readonly #wire: OllamaUpstream;
  readonly #progress: ProgressWatch;
  readonly #loads: OllamaLoads;
  readonly #library: OllamaLibrary;
  readonly #lastUsed = new Map<string, number>();
  #mode: OllamaMode;
  #owned: OwnedOllama | null = null;
  #draining = false;
  /** Ends the wait for answers under way. */
  #hurry = new AbortController();
  #stopBeside: (() => void) | null = null;

  constructor(options: OllamaEngineOptions, deps: OllamaEngineDeps) {
    this.id = options.id;
    this.#options = options;
    this.#deps = deps;
    this.log = deps.log;
    this.#mode = { kind: 'stopped', sinceMs: deps.clock.now() };
    this.#wire = new OllamaUpstream(options, {
      clock: deps.clock,
      state: () => this.#upstreamState(),
      onUse: (model) => this.#lastUsed.set(model, deps.clock.now()),
    });
    this.#progress = new ProgressWatch(
      { deadlines: { firstByteMs } },
      {
        clock: deps.clock,
        onWedged: (reason) => {
          if (this.#mode.kind === 'owned') void this.#mode.owned.wedged(reason);
          else deps.logger.warn({ reason }, 'an Ollama that is not ours does not move');
        },
      },
    );
    this.upstream = this.#progress.watch(this.#wire);
    this.#loads = new OllamaLoads({
      clock: deps.clock,
      logger: deps.logger,
      mode: () => this.#mode,
      api: () => this.#api,
      wire: this.#wire,
      onChange: () => this.changed.announce(),
    });
    this.#library = new OllamaLibrary({ api: () => this.#api, watch: () => watchOf(this.#mode) });
  }

  models(): readonly EngineModel[] {
    const slots = slotsOf(this.#mode);
    return modelsOf(this.#mode).map((model) => {
      const { name } = model.row;
      const state = this.#loads.stateOf(name, model.loaded !== null);
      return modelOf(model, { state, slots, lastUsedMs: this.#lastUsed.get(name) ?? null });
    });
  }

  refuses(): string {
    return filesRefused;
  }

  snapshot(): EngineSnapshot {
    return ollamaSnapshot(this.#mode, {
      id: this.id,
      platform: this.#options.platform,
      draining: this.#draining,
      busy: this.#wire.busy,
    });
  }

  onCatalogChange(): void {
    // Files of the models folder are no models of Ollama's.
  }

  /** Whether a model of this name is in the library. */
  hasModel(name: string): boolean {
    return modelNamed(this.#mode, name) !== null;
  }

  async start(): Promise<void> {
    await this.#mailbox.post(() => this.#start());
  }

  async stop({ drainMs } = { drainMs: 0 }): Promise<void> {
    // A later stop that is in a hurry ends the patience of an earlier one.
    if (drainMs === 0) this.#hurry.abort();
    await this.#mailbox.post(async () => {
      const mode = this.#mode;
      this.#stopBeside?.();
      this.#stopBeside = null;
      if (mode.kind === 'owned') {
        await this.#drained(drainMs, () => mode.owned.stop());
        this.#wire.connect(null);
        this.changed.announce();
        return;
      }
      if (mode.kind === 'adopted') await this.#loads.handBack(mode.adopted);
      if ('adopted' in mode) mode.adopted.stop();
      this.#wire.connect(null);
      this.#enter({ kind: 'stopped', sinceMs: this.#deps.clock.now() });
    });
  }

  killNow(): void {
    this.#owned?.killNow();
  }

  async restart(): Promise<void> {
    const { kind } = this.#mode;
    if (kind === 'adopted') {
      throw new AppError(
        'conflict',
        'This Ollama was not started by Ranch Hand, so it is not restarted here. Restart it where it was started.',
      );
    }
    if (kind === 'owned') await this.#mailbox.post(() => this.#restartOwned());
    else await this.start();
  }

  async load(target: LoadTarget, signal: AbortSignal): Promise<void> {
    if (target.file) throw new AppError('model_unusable', filesRefused);
    const name = fullName(target.id);
    await this.#loads.recall(name);
    await this.#untilReady(signal);
    await this.#mailbox.post(() => this.#fitOwn(name, target.options));
    await this.#untilReady(signal);
    await this.#loads.load(name, signal);
  }

  unload(id: string, options: { readonly drainMs: number }): Promise<void> {
    return this.#loads.unload(fullName(id), options.drainMs);
  }

  /**
   * Has Ollama pull a model into its library; what of it is there already is not fetched again.
   *
   * @throws AppError `invalid_request` for a name that is none, `engine_not_ready`, `engine_failed`, `caller_gone`
   */
  pullModel(name: string, onProgress: (progress: OllamaProgress) => void, signal: AbortSignal): Promise<void> {
    return this.#library.pull(name, onProgress, signal);
  }

  /** Removes a model from the library. @throws AppError `model_not_found`, `engine_not_ready`, `engine_failed` */
  removeModel(name: string): Promise<void> {
    this.#loads.forget(fullName(name));
    return this.#library.remove(name);
  }

  /**
   * Makes another quantization of a model in F16, BF16 or F32.
   *
   * @throws AppError `invalid_request`, `engine_not_ready`, `engine_failed`, `caller_gone`
   */
  createQuantized(
    from: string,
    quantization: string,
    newName: string,
    onProgress: (progress: OllamaProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#library.createQuantized(from, quantization, newName, onProgress, signal);
  }

  /** @throws AppError `engine_not_ready` */
  get #api(): OllamaApi {
    const api = apiOf(this.#mode);
    if (!api || !this.#ready) throw new AppError('engine_not_ready', this.snapshot().sentence);
    return api;
  }

  get #ready(): boolean {
    return answers(this.#mode) && !(this.#mode.kind === 'owned' && this.#draining);
  }

  async #start(): Promise<void> {
    const before = this.#mode;
    if (before.kind === 'adopted' && before.adopted.present) return;
    if (runs(before)) return;
    if ('adopted' in before) before.adopted.stop();
    const adopted = this.#deps.adopt(() => this.#wire.busy > 0);
    adopted.changed.subscribe(() => {
      this.#onAdopted(adopted);
    });
    await adopted.start();
    if (adopted.present) {
      this.#adopt(adopted);
      return;
    }
    const search = this.#options.mayOwn ? await this.#deps.find() : { program: null, refused: [] };
    if (search.program === null) {
      this.#enter({ kind: 'absent', adopted, refused: search.refused, sinceMs: this.#deps.clock.now() });
      return;
    }
    adopted.stop();
    await this.#own(search.program, search.refused);
  }

  #adopt(adopted: AdoptedOllama): void {
    this.#wire.connect(adopted.address);
    this.#enter({ kind: 'adopted', adopted });
    this.#loads.reloadFor(adopted);
  }

  #onAdopted(adopted: AdoptedOllama): void {
    const mode = this.#mode;
    if (mode.kind === 'absent' && mode.adopted === adopted && adopted.present) {
      this.#adopt(adopted);
      return;
    }
    if (mode.kind !== 'adopted' || mode.adopted !== adopted) return;
    if (adopted.present) this.#loads.reloadFor(adopted);
    else this.#loads.lost();
    this.changed.announce();
  }

  async #own(program: string, refused: readonly string[]): Promise<void> {
    // The same one as before, so that its deaths stay counted.
    const owned = this.#owned?.program === program ? this.#owned : this.#deps.own(program, () => this.#wire.busy > 0);
    if (owned !== this.#owned) {
      owned.changed.subscribe(() => {
        this.#onOwned(owned);
      });
    }
    this.#owned = owned;
    this.#enter({ kind: 'owned', owned, beside: null, refused });
    this.#watchBeside();
    await owned.start();
  }

  #onOwned(owned: OwnedOllama): void {
    if (this.#mode.kind !== 'owned' || this.#mode.owned !== owned) return;
    this.#wire.connect(owned.endpoint?.address ?? null);
    if (!owned.endpoint) this.#progress.stop();
    if (owned.record.state.kind === 'ready' && owned.endpoint) this.#loads.reloadFor(owned.endpoint);
    this.changed.announce();
  }

  /** Looks now and then whether the operator's own Ollama has come up; ours stays. */
  #watchBeside(): void {
    this.#stopBeside?.();
    const { clock } = this.#deps;
    this.#stopBeside = clock.every(besideEveryMs, () => {
      const adopted = this.#deps.adopt(() => false);
      void adopted.api.identify().then((answerer) => {
        adopted.stop();
        const mode = this.#mode;
        if (mode.kind !== 'owned') return;
        const beside = answerer.kind === 'ollama' ? adopted.api.url : null;
        if (mode.beside !== beside) this.#enter({ ...mode, beside });
      });
    });
  }

  /** Gives our own Ollama the context that a load asks for, where no other model would suffer from its restart. */
  async #fitOwn(name: string, options: LoadOptions): Promise<void> {
    const mode = this.#mode;
    if (mode.kind !== 'owned') return;
    const { settings } = mode.owned;
    const wanted = settingsFor(options, settings, this.#options.automaticContext);
    const same = sameSettings(wanted, settings);
    const alone = modelsOf(mode).every(({ row, loaded }) => row.name === name || !loaded);
    const others = this.#loads.holdsOtherThan(name);
    if (!same && alone && !others) await this.#restartOwned(wanted);
  }

  async #restartOwned(settings?: OwnSettings): Promise<void> {
    const mode = this.#mode;
    if (mode.kind === 'owned') await this.#drained(restartDrainMs, () => mode.owned.restart(settings));
  }

  /** Lets no other request in, and does that when no answer is under way any more, at the latest after `mostMs`. */
  async #drained(mostMs: number, then: () => Promise<void>): Promise<void> {
    this.#hurry = new AbortController();
    this.#draining = true;
    this.changed.announce();
    try {
      if (mostMs > 0) await this.#wire.idle(mostMs, null, this.#hurry.signal);
      await then();
    } finally {
      this.#draining = false;
      this.changed.announce();
    }
  }

  /** Starts it if nobody did, and waits until it takes requests. */
  async #untilReady(signal: AbortSignal): Promise<void> {
    if (!this.#ready) await this.start();
    const { clock } = this.#deps;
    const endMs = clock.monotonic() + readyMs;
    while (!this.#ready) {
      if (signal.aborted) throw new AppError('caller_gone', 'The load was given up.');
      const rises = runs(this.#mode) && clock.monotonic() < endMs;
      if (!rises) throw new AppError('engine_not_ready', this.snapshot().sentence);
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          cancelTimer();
          unsubscribe();
          resolve();
        };
        const unsubscribe = this.changed.subscribe(settle);
        const cancelTimer = clock.after(1_000, settle);
      });
    }
  }

  #upstreamState(): ReturnType<ConstructorParameters<typeof OllamaUpstream>[1]['state']> {
    const chosen = this.#deps.defaultModel();
    const mode = this.#mode;
    return {
      ready: this.#ready,
      sentence: this.snapshot().sentence,
      comesUp: runs(mode),
      models: this.#ready ? modelsOf(mode) : none,
      defaultModel: chosen !== null && this.hasModel(chosen) ? shortName(fullName(chosen)) : null,
      slots: slotsOf(mode),
      contextLength: contextOf(mode),
    };
  }

  #enter(mode: OllamaMode): void {
    this.#mode = mode;
    this.changed.announce();
  }
}

const none: readonly [] = [];
const filesRefused =
  'Ollama loads models from its own library and not from files. Pull the model through Ollama, or use another engine.';
