import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { EngineModel } from '../engine.ts';
import type { AdoptedOllama } from './adopted-ollama.ts';
import { shortName } from './library-model.ts';
import type { OllamaApi } from './ollama-api.ts';
import { keepAliveOf, modelNamed, watchOf, type OllamaMode } from './ollama-mode.ts';
import type { OllamaUpstream } from './ollama-upstream.ts';
import type { WatchedModel } from './ollama-watch.ts';

/** How long Ollama may take to free a model's memory. */
const freeMs = 30_000;
const lookAgainMs = 100;

export interface OllamaLoadsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mode: () => OllamaMode;
  /** The way to an Ollama that takes requests. @throws AppError `engine_not_ready` */
  readonly api: () => OllamaApi;
  readonly wire: Pick<OllamaUpstream, 'drain' | 'breakOff'>;
  /** A model's state has changed. */
  readonly onChange: () => void;
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

/** What the node has Ollama load and unload. Models are named by their full names here. */
export class OllamaLoads {
  readonly #deps: OllamaLoadsDeps;
  readonly #loading = new Set<string>();
  readonly #leaving = new Set<Leaving>();
  /** What was asked to be loaded: loaded again after a restart. */
  readonly #held = new Set<string>();
  /** The Ollama whose coming up was the last that anything was loaded again for. */
  #reloaded: object | null = null;
  #toReload = new Set<string>();

  constructor(deps: OllamaLoadsDeps) {
    this.#deps = deps;
  }

  stateOf(name: string, loaded: boolean): EngineModel['state'] {
    if ([...this.#leaving].some((each) => each.name === name)) return 'unloading';
    if (loaded) return 'loaded';
    return this.#loading.has(name) ? 'loading' : 'idle';
  }

  /** Whether another model was asked to be loaded, and is to stay so. */
  holdsOtherThan(name: string): boolean {
    return [...this.#held].some((held) => held !== name);
  }

  /** It is no longer loaded again after a restart. */
  forget(name: string): void {
    this.#held.delete(name);
  }

  /** Loads a model, to stay. @throws AppError `model_not_found`, `engine_not_ready`, `engine_failed`, `caller_gone` */
  async load(name: string, signal: AbortSignal): Promise<void> {
    const model = this.#find(name);
    if (!model) throw new AppError('model_not_found', `Ollama has no model ${shortName(name)}. Pull it first.`);
    await this.#loadNow(model, signal);
    this.#held.add(name);
  }

  /** Lets answers under way finish for `drainMs`, and resolves when the memory is free, or the model is wanted again. */
  async unload(name: string, drainMs: number): Promise<void> {
    const { api, wire, onChange } = this.#deps;
    this.#held.delete(name);
    this.#toReload.delete(name);
    if (!this.#find(name)?.loaded) return;
    const over = Promise.withResolvers<null>();
    const leaving: Leaving = { name, recall: new AbortController(), ending: false, over: over.promise };
    this.#leaving.add(leaving);
    onChange();
    const reopen = await wire.drain(name, drainMs, leaving.recall.signal);
    try {
      if (leaving.recall.signal.aborted) return;
      leaving.ending = true;
      // Ollama itself would let them finish, however long they take.
      wire.breakOff(name);
      await api().unload(name);
      await this.#untilFreed(name);
    } finally {
      this.#leaving.delete(leaving);
      reopen();
      over.resolve(null);
      onChange();
    }
  }

  /** A model that only finishes its answers before it goes stays; one whose memory is being freed is waited for. */
  async recall(name: string): Promise<void> {
    const unloads = [...this.#leaving].filter((each) => each.name === name);
    for (const { ending, recall } of unloads) if (!ending) recall.abort();
    await Promise.all(unloads.map(({ over }) => over));
  }

  /** What was loaded by order is loaded again, once for each time that `endpoint` comes up; called again as it tells more. */
  reloadFor(endpoint: object): void {
    if (this.#reloaded !== endpoint) {
      this.#reloaded = endpoint;
      this.#toReload = new Set(this.#held);
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

  /** It went: at its next coming up all is loaded again. */
  lost(): void {
    this.#reloaded = null;
  }

  /** What this node had it keep for good goes again when nobody asks for it, as the operator has set that. */
  async handBack(adopted: AdoptedOllama): Promise<void> {
    const kept = adopted.present ? [...this.#held].flatMap((name) => this.#find(name) ?? []) : [];
    const keepAlive = keepAliveOf(adopted);
    await Promise.all(
      kept
        .filter(({ loaded }) => loaded !== null)
        .map(({ row, library }) =>
          adopted.api.release(row.name, kindOf(library), keepAlive).catch((error: unknown) => {
            this.#deps.logger.info({ model: row.name, code: toAppError(error).code }, 'a model was not handed back');
          }),
        ),
    );
  }

  #find(name: string): WatchedModel | null {
    return modelNamed(this.#deps.mode(), name);
  }

  async #loadNow(model: WatchedModel, signal: AbortSignal): Promise<void> {
    const { name } = model.row;
    const { mode, onChange } = this.#deps;
    const api = this.#deps.api();
    this.#loading.add(name);
    onChange();
    try {
      await api.load(name, kindOf(model.library), signal);
    } catch (error) {
      // Ollama goes on loading for nobody: it is told to let go.
      if (signal.aborted && !model.loaded) await api.unload(name).catch(() => undefined);
      throw error;
    } finally {
      await watchOf(mode())?.look({ library: false });
      this.#loading.delete(name);
      onChange();
    }
  }

  async #untilFreed(name: string): Promise<void> {
    const { clock, mode } = this.#deps;
    const endMs = clock.monotonic() + freeMs;
    for (;;) {
      await watchOf(mode())?.look({ library: false });
      if (!this.#find(name)?.loaded || clock.monotonic() >= endMs) return;
      await new Promise<void>((resolve) => {
        clock.after(lookAgainMs, resolve);
      });
    }
  }
}

function kindOf({ capabilities }: WatchedModel['library']): 'generating' | 'embedding' {
  return capabilities.includes('completion') ? 'generating' : 'embedding';
}
