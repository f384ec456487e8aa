import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
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
import { contextOf, ollamaSnapshot, slotsOf, type OllamaMode } from './ollama-snapshot.ts';
import { OllamaUpstream } from './ollama-upstream.ts';
import type { OllamaProgress } from './ollama-wire.ts';
import type { OllamaWatch, WatchedModel } from './ollama-watch.ts';
import { automaticContextTokens, type OwnSettings } from './own-environment.ts';
import type { OwnedOllama } from './owned-ollama.ts';

/** How long answers under way may take before a restart breaks them off. */
const restartDrainMs = 8_000;
/** How long a load waits for an engine that is only starting. */
const readyMs = 60_000;
/** How long Ollama may take to free a model's memory. */
const freeMs = 30_000;
const lookAgainMs = 100;
/** Ollama's own choice where nobody set another. */
const usualKeepAlive = '5m';
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

/** An unload under way. */
interface Leaving {
  /** Full name of the model. */
  readonly name: string;
  /** Aborted when the model is wanted again. */
  readonly recall: AbortController;
  /** It can no longer be recalled. */
  ending: boolean;
  readonly over: Promise<null>;
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
  readonly #loading = new Set<string>();
  readonly #leaving = new Set<Leaving>();
  /** What was asked to be loaded, by full name: loaded again after a restart. */
  readonly #held = new Map<string, LoadOptions>();
  readonly #lastUsed = new Map<string, number>();
  #mode: OllamaMode;
  #owned: OwnedOllama | null = null;
  #draining = false;
  /** Ends the wait for answers under way. */
  #hurry = new AbortController();
  #stopBeside: (() => void) | null = null;
  #reloaded: object | null = null;
  #toReload = new Set<string>();

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
  }

  models(): readonly EngineModel[] {
    const slots = slotsOf(this.#mode);
    return (this.#watch?.models ?? []).map(({ row, library, loaded }) => ({
      id: shortName(row.name),
      path: null,
      library,
      digest: /^[0-9a-f]{64}$/.test(row.digest) ? `sha256:${row.digest}` : null,
      state: this.#stateOf(row.name, loaded !== null),
      progress: null,
      contextLength: loaded?.context_length ?? null,
      slots: loaded ? slots : 0,
      memoryBytes: loaded ? loaded.size : null,
      lastUsedMs: this.#lastUsed.get(row.name) ?? null,
    }));
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
    return this.#find(name) !== null;
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
      if (mode.kind === 'adopted') await this.#handBack(mode.adopted);
      if ('adopted' in mode) mode.adopted.stop();
      this.#wire.connect(null);
      this.#enter({ kind: 'stopped', sinceMs: this.#deps.clock.now() });
    });
  }

  /** What this node had it keep for good goes again when nobody asks for it, as the operator has set that. */
  async #handBack({ api, present, keeper }: AdoptedOllama): Promise<void> {
    const kept = present ? [...this.#held.keys()].flatMap((name) => this.#find(name) ?? []) : [];
    const set = keeper?.settings?.['OLLAMA_KEEP_ALIVE'];
    const keepAlive = set === undefined || set === '' ? usualKeepAlive : /^-?\d+$/.test(set) ? Number(set) : set;
    await Promise.all(
      kept
        .filter(({ loaded }) => loaded !== null)
        .map(({ row, library }) =>
          api.release(row.name, kindOf(library), keepAlive).catch((error: unknown) => {
            this.#deps.logger.info({ model: row.name, code: toAppError(error).code }, 'a model was not handed back');
          }),
        ),
    );
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
    await this.#recall(name);
    await this.#untilReady(signal);
    await this.#mailbox.post(() => this.#fitOwn(name, target.options));
    await this.#untilReady(signal);
    const model = this.#find(name);
    if (!model) throw new AppError('model_not_found', `Ollama has no model ${shortName(name)}. Pull it first.`);
    await this.#loadNow(model, signal);
    this.#held.set(name, target.options);
  }

  async unload(id: string, options: { readonly drainMs: number }): Promise<void> {
    const name = fullName(id);
    this.#held.delete(name);
    this.#toReload.delete(name);
    const model = this.#find(name);
    if (!model?.loaded) return;
    const over = Promise.withResolvers<null>();
    const leaving: Leaving = { name, recall: new AbortController(), ending: false, over: over.promise };
    this.#leaving.add(leaving);
    this.changed.announce();
    const reopen = await this.#wire.drain(name, options.drainMs, leaving.recall.signal);
    try {
      if (leaving.recall.signal.aborted) return;
      leaving.ending = true;
      // Ollama itself would let them finish, however long they take.
      this.#wire.breakOff(name);
      await this.#api.unload(name);
      await this.#untilFreed(name);
    } finally {
      this.#leaving.delete(leaving);
      reopen();
      over.resolve(null);
      this.changed.announce();
    }
  }

  /** A model that only finishes its answers before it goes stays; one whose memory is being freed is waited for. */
  async #recall(name: string): Promise<void> {
    const unloads = [...this.#leaving].filter((each) => each.name === name);
    for (const { ending, recall } of unloads) if (!ending) recall.abort();
    await Promise.all(unloads.map(({ over }) => over));
  }

  /**
   * Has Ollama pull a model into its library; what of it is there already is not fetched again.
   *
   * @throws AppError `invalid_request` for a name that is none, `engine_not_ready`, `engine_failed`, `caller_gone`
   */
  async pullModel(name: string, onProgress: (progress: OllamaProgress) => void, signal: AbortSignal): Promise<void> {
    await this.#api.pull(checkedName(name), onProgress, signal);
    await this.#watch?.look({ library: true });
  }

  /** Removes a model from the library. @throws AppError `model_not_found`, `engine_not_ready`, `engine_failed` */
  async removeModel(name: string): Promise<void> {
    this.#held.delete(fullName(name));
    await this.#api.remove(checkedName(name));
    await this.#watch?.look({ library: true });
  }

  /**
   * Makes another quantization of a model in F16, BF16 or F32.
   *
   * @throws AppError `invalid_request`, `engine_not_ready`, `engine_failed`, `caller_gone`
   */
  async createQuantized(
    from: string,
    quantization: string,
    newName: string,
    onProgress: (progress: OllamaProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const known = ollamaQuantizations.find((name) => name.toLowerCase() === quantization.toLowerCase());
    if (known === undefined) {
      throw new AppError('invalid_request', `Ollama makes ${ollamaQuantizations.join(', ')} and no ${quantization}.`);
    }
    const job = { from: checkedName(from), quantization: known, name: checkedName(newName) };
    await this.#api.quantize(job, onProgress, signal);
    await this.#watch?.look({ library: true });
  }

  get #watch(): OllamaWatch | null {
    if (this.#mode.kind === 'owned') return this.#mode.owned.endpoint?.watch ?? null;
    return this.#mode.kind === 'adopted' ? this.#mode.adopted.watch : null;
  }

  /** @throws AppError `engine_not_ready` */
  get #api(): OllamaApi {
    const mode = this.#mode;
    const api = mode.kind === 'owned' ? mode.owned.endpoint?.api : mode.kind === 'adopted' ? mode.adopted.api : null;
    if (!api || !this.#ready) throw new AppError('engine_not_ready', this.snapshot().sentence);
    return api;
  }

  get #ready(): boolean {
    const mode = this.#mode;
    if (mode.kind === 'adopted') return mode.adopted.present;
    return mode.kind === 'owned' && mode.owned.record.state.kind === 'ready' && !this.#draining;
  }

  async #start(): Promise<void> {
    const before = this.#mode;
    if (before.kind === 'adopted' && before.adopted.present) return;
    if (before.kind === 'owned' && runs(before.owned)) return;
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
    this.#reloadHeld(adopted);
  }

  #onAdopted(adopted: AdoptedOllama): void {
    const mode = this.#mode;
    if (mode.kind === 'absent' && mode.adopted === adopted && adopted.present) {
      this.#adopt(adopted);
      return;
    }
    if (mode.kind !== 'adopted' || mode.adopted !== adopted) return;
    if (adopted.present) this.#reloadHeld(adopted);
    else this.#reloaded = null;
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
    if (owned.record.state.kind === 'ready' && owned.endpoint) this.#reloadHeld(owned.endpoint);
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

  /** What was loaded by order is loaded again, once for each time that the engine comes up. */
  #reloadHeld(endpoint: object): void {
    if (this.#reloaded !== endpoint) {
      this.#reloaded = endpoint;
      this.#toReload = new Set(this.#held.keys());
    }
    for (const name of [...this.#toReload]) {
      const model = this.#find(name);
      // Its library may be told later than that it answers.
      if (!model) continue;
      this.#toReload.delete(name);
      if (model.loaded) continue;
      this.#loadNow(model, new AbortController().signal).catch((error: unknown) => {
        this.#deps.logger.warn({ model: name, error: toAppError(error).message }, 'a model was not loaded again');
      });
    }
  }

  async #loadNow(model: WatchedModel, signal: AbortSignal): Promise<void> {
    const { name } = model.row;
    const api = this.#api;
    this.#loading.add(name);
    this.changed.announce();
    try {
      await api.load(name, kindOf(model.library), signal);
    } catch (error) {
      // Ollama goes on loading for nobody: it is told to let go.
      if (signal.aborted && !model.loaded) await api.unload(name).catch(() => undefined);
      throw error;
    } finally {
      await this.#watch?.look({ library: false });
      this.#loading.delete(name);
      this.changed.announce();
    }
  }

  async #untilFreed(name: string): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monotonic() + freeMs;
    for (;;) {
      await this.#watch?.look({ library: false });
      if (!this.#find(name)?.loaded || clock.monotonic() >= endMs) return;
      await new Promise<void>((resolve) => {
        clock.after(lookAgainMs, resolve);
      });
    }
  }

  /** Gives our own Ollama the context that a load asks for, where no other model would suffer from its restart. */
  async #fitOwn(name: string, options: LoadOptions): Promise<void> {
    const mode = this.#mode;
    if (mode.kind !== 'owned') return;
    const { settings } = mode.owned;
    const wanted: OwnSettings = {
      contextLength:
        this.#options.automaticContext && options.contextLength !== 'auto'
          ? Math.min(options.contextLength, automaticContextTokens)
          : settings.contextLength,
      parallel: options.parallel === 'auto' ? settings.parallel : options.parallel,
      kvType: options.kvType ?? settings.kvType,
    };
    const same =
      wanted.contextLength === settings.contextLength &&
      wanted.parallel === settings.parallel &&
      wanted.kvType === settings.kvType;
    const alone = (this.#watch?.models ?? []).every(({ row, loaded }) => row.name === name || !loaded);
    const others = [...this.#held.keys()].some((held) => held !== name);
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
      const mode = this.#mode;
      const rises = mode.kind === 'owned' && runs(mode.owned) && clock.monotonic() < endMs;
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

  #find(name: string): WatchedModel | null {
    const full = fullName(name);
    return this.#watch?.models.find(({ row }) => row.name === full) ?? null;
  }

  #stateOf(name: string, loaded: boolean): EngineModel['state'] {
    if ([...this.#leaving].some((each) => each.name === name)) return 'unloading';
    if (loaded) return 'loaded';
    return this.#loading.has(name) ? 'loading' : 'idle';
  }

  #upstreamState(): ReturnType<ConstructorParameters<typeof OllamaUpstream>[1]['state']> {
    const chosen = this.#deps.defaultModel();
    const mode = this.#mode;
    return {
      ready: this.#ready,
      sentence: this.snapshot().sentence,
      comesUp: mode.kind === 'owned' && runs(mode.owned),
      models: this.#ready ? (this.#watch?.models ?? none) : none,
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

function kindOf({ capabilities }: WatchedModel['library']): 'generating' | 'embedding' {
  return capabilities.includes('completion') ? 'generating' : 'embedding';
}

const none: readonly WatchedModel[] = [];
const filesRefused =
  'Ollama loads models from its own library and not from files. Pull the model through Ollama, or use another engine.';

/** What `/api/create` can make. */
const ollamaQuantizations: readonly string[] = ['q8_0', 'q4_K_S', 'q4_K_M'];

const rising: ReadonlySet<string> = new Set(['starting', 'loading', 'ready', 'stopping', 'backoff']);

/** Whether it answers, or will without anybody's help. */
function runs({ record }: OwnedOllama): boolean {
  return rising.has(record.state.kind);
}

const partOfName = /^[A-Za-z0-9_][\w.-]*$/;

/** A name that Ollama could have: `[host/][namespace/]model[:tag]`. */
function checkedName(name: string): string {
  const [path = '', tag, ...rest] = name.replace(/^([^/]+):(\d+)\//, '$1/').split(':');
  const parts = path.split('/');
  const good =
    name.length <= 350 &&
    rest.length === 0 &&
    parts.length <= 4 &&
    parts.every((part) => partOfName.test(part)) &&
    (tag === undefined || partOfName.test(tag));
  if (good) return name;
  throw new AppError(
    'invalid_request',
    'This is no name of a model. Name it as in llama3.1:8b or hf.co/org/repo:Q4_K_M.',
  );
}
