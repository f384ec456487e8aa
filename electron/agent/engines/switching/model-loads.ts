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
    refuseIfGivenUp(signal);
    const engine = this.#engine(offer.engineId);
    const key = spotKey(offer.engineId, offer.modelId);
    this.#arriving.set(key, (this.#arriving.get(key) ?? 0) + 1);
    this.#failures.delete(key);
    this.changed.announce();
    try {
      // One that is on its way already, as after a restart, is only waited for.
      if (held(engine, model, offer)?.state === 'loading') await this.#comesUp(engine, model, offer, signal);
      else await engine.load({ id: offer.modelId, file: model.file, options }, signal);
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

  /** Resolves when the model is out of memory, or with what its engine had against that, which is logged too. */
  async unload(offer: Offer, drainMs: number, why: Leaving): Promise<AppError | null> {
    const key = spotKey(offer.engineId, offer.modelId);
    this.#leaving.set(key, why);
    this.changed.announce();
    try {
      await this.#engine(offer.engineId).unload(offer.modelId, { drainMs });
      return null;
    } catch (error) {
      this.#logger.warn({ engine: offer.engineId, model: offer.modelId, err: error }, 'a model was not unloaded');
      return toAppError(error);
    } finally {
      this.#leaving.delete(key);
      this.changed.announce();
    }
  }

  /** The engine brings the model up by itself, as after a restart: its word is waited for, be it that it gave up. */
  async #comesUp(engine: Engine, model: NodeModel, offer: Offer, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<null>();
    const look = (): void => {
      const now = held(engine, model, offer)?.state;
      const { state, sentence } = engine.snapshot();
      if (now === 'loaded') resolve(null);
      else if (signal.aborted) reject(new AppError('caller_gone', 'The load was given up.'));
      else if (state === 'failed') reject(new AppError('engine_failed', sentence));
      else if (state === 'stopped') reject(new AppError('engine_not_ready', sentence));
      // What the engine says of itself may be about another model.
      else if (now !== 'loading') reject(new AppError('engine_failed', gaveUp(engine.id)));
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

/** An engine that was just stopped would be started again by a load that came too late. */
function refuseIfGivenUp(signal: AbortSignal): void {
  if (signal.aborted) throw new AppError('caller_gone', 'The load was given up.');
}

function gaveUp(engineId: string): string {
  return `It did not come up. Look at the log of ${engineId}, then switch to it again.`;
}

function held(engine: Engine, { file }: NodeModel, { modelId }: Offer): EngineModel | undefined {
  return engine.models().find(({ id, path }) => (file === null ? id === modelId : path === file.path));
}
