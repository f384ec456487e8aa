import { Announcer } from '../../base/announcer.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Engine, EngineModel, LoadOptions } from '../engine.ts';
import type { NodeModel, Offer } from '../placement/node-models.ts';
import { spotKey } from './uses.ts';

/** Why a model goes: to make room for another, or because nobody needs it. */
export type Leaving = 'room' | 'rest';

/** Loads and unloads at the engines, and knows what is on its way in or out. */
export class ModelLoads {
  /** Announced when one of the answers below changes. */
  readonly changed = new Announcer<void>();
  readonly #engine: (id: string) => Engine;
  readonly #logger: Logger;
  readonly #arriving = new Map<string, number>();
  readonly #leaving = new Map<string, Leaving>();
  readonly #failures = new Map<string, string>();

  constructor(deps: { readonly engine: (id: string) => Engine; readonly logger: Logger }) {
    this.#engine = deps.engine;
    this.#logger = deps.logger;
  }

  isArriving({ engineId, modelId }: Offer): boolean {
    return this.#arriving.has(spotKey(engineId, modelId));
  }

  leaving({ engineId, modelId }: Offer): Leaving | null {
    return this.#leaving.get(spotKey(engineId, modelId)) ?? null;
  }

  /** Why it could not be loaded there the last time; null when it could, or was not tried. */
  failure({ engineId, modelId }: Offer): string | null {
    return this.#failures.get(spotKey(engineId, modelId)) ?? null;
  }

  /** It may be tried again: the operator asked for it, or its file is another one. */
  forgive(isForgiven: (key: { readonly engineId: string; readonly modelId: string }) => boolean): void {
    for (const key of [...this.#failures.keys()]) {
      const [engineId = '', modelId = ''] = key.split('\n');
      if (isForgiven({ engineId, modelId })) this.#failures.delete(key);
    }
  }

  /** Marks a model that was loaded and does not answer. */
  blame({ engineId, modelId }: Offer, reason: string): void {
    this.#failures.set(spotKey(engineId, modelId), reason);
    this.changed.announce();
  }

  /**
   * Resolves when the model answers at that engine.
   *
   * @throws AppError the engine's, see `Engine.load`
   */
  async load(model: NodeModel, offer: Offer, options: LoadOptions, signal: AbortSignal): Promise<void> {
    const engine = this.#engine(offer.engineId);
    const key = spotKey(offer.engineId, offer.modelId);
    this.#arriving.set(key, (this.#arriving.get(key) ?? 0) + 1);
    this.#failures.delete(key);
    this.changed.announce();
    try {
      // One that is on its way already, as after a restart, is only waited for.
      if (held(engine, model, offer)?.state !== 'loading') {
        await engine.load({ id: offer.modelId, file: model.file, options }, signal);
      }
      await this.#answers(engine, model, offer, signal);
    } catch (error) {
      const { code, message } = toAppError(error);
      if (!signal.aborted) this.#failures.set(key, message);
      this.#logger.warn({ engine: offer.engineId, model: model.id, code, err: error }, 'a model was not loaded');
      throw error;
    } finally {
      const left = (this.#arriving.get(key) ?? 1) - 1;
      if (left > 0) this.#arriving.set(key, left);
      else this.#arriving.delete(key);
      this.changed.announce();
    }
  }

  /** Resolves when the model is out of memory; an engine that fails to say so is logged, and nothing is thrown. */
  async unload(offer: Offer, drainMs: number, why: Leaving): Promise<void> {
    const key = spotKey(offer.engineId, offer.modelId);
    this.#leaving.set(key, why);
    this.changed.announce();
    try {
      await this.#engine(offer.engineId).unload(offer.modelId, { drainMs });
    } catch (error) {
      this.#logger.warn({ engine: offer.engineId, model: offer.modelId, err: error }, 'a model was not unloaded');
    } finally {
      this.#leaving.delete(key);
      this.changed.announce();
    }
  }

  /** The engine may bring the model up by itself, as after a restart: then its word is waited for. */
  async #answers(engine: Engine, model: NodeModel, offer: Offer, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<null>();
    const look = (): void => {
      if (held(engine, model, offer)?.state === 'loaded') resolve(null);
      else if (signal.aborted) reject(new AppError('caller_gone', 'The load was given up.'));
      else if (engine.snapshot().state === 'failed') reject(new AppError('engine_failed', engine.snapshot().sentence));
      else if (engine.snapshot().state === 'stopped')
        reject(new AppError('engine_not_ready', engine.snapshot().sentence));
    };
    const cancel = engine.changed.subscribe(look);
    signal.addEventListener('abort', look, { once: true });
    try {
      look();
      await promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', look);
    }
  }
}

function held(engine: Engine, { file }: NodeModel, { modelId }: Offer): EngineModel | undefined {
  return engine.models().find(({ id, path }) => (file === null ? id === modelId : path === file.path));
}
