import { stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { systemErrorCode } from '../../base/errors.ts';
import type { Placed } from '../placement/choose-default.ts';
import { hasRested } from './idle-rule.ts';
import type { ModelLoads } from './model-loads.ts';
import { optionsFor, type OptionsByName } from './model-options.ts';
import type { PlacementView } from './placement-view.ts';
import type { Switcher } from './switcher.ts';
import { spotKey, type Uses } from './uses.ts';

export interface UpkeepOptions {
  /** `models.keepAliveMinutes`. */
  readonly keepAliveMinutes: number | null;
}

export interface UpkeepDeps {
  readonly clock: Clock;
  readonly view: () => PlacementView;
  readonly switcher: Switcher;
  readonly loads: ModelLoads;
  readonly uses: Uses;
  readonly options: () => OptionsByName;
  /** Looks at the model files again. */
  readonly rescan: () => Promise<void>;
}

/** A model whose file went is out of the list within five seconds, wherever its folder is and whoever watches that. */
const everyMs = 4_000;
/** Nobody asks a model that rests; should one come at the last moment, its answer has its time. */
const drainMs = 10 * 60_000;

/** What happens by itself while nobody asks: models that rest are unloaded, and files that went are noticed. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #deps: UpkeepDeps;
  /** When a model was first seen in memory, for engines that do not tell. */
  readonly #seen = new Map<string, number>();
  #cancel: (() => void) | null = null;
  #looking = false;

  constructor(options: UpkeepOptions, deps: UpkeepDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    this.#cancel ??= this.#deps.clock.every(everyMs, () => {
      this.unloadRested();
      void this.noticeGoneFiles();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Unloads what nobody has asked for `keepAliveMinutes`, but neither the default model nor pinned ones. */
  unloadRested(): void {
    const { switcher, loads, clock } = this.#deps;
    const loaded = switcher.loaded();
    const keys = new Set(loaded.map(({ offer }) => spotKey(offer.engineId, offer.modelId)));
    for (const key of keys) if (!this.#seen.has(key)) this.#seen.set(key, clock.now());
    for (const key of [...this.#seen.keys()]) if (!keys.has(key)) this.#seen.delete(key);
    this.#deps.uses.forget(keys);
    if (switcher.isBusy) return;
    for (const placed of loaded) {
      if (this.#hasRested(placed)) void loads.unload(placed.offer, drainMs, 'rest');
    }
  }

  /** Has the files looked at again when one of a loaded model is no longer there. */
  async noticeGoneFiles(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const paths = this.#deps.switcher.loaded().flatMap(({ model }) => model.file?.path ?? []);
      const there = await Promise.all(paths.map(exists));
      if (there.includes(false)) await this.#deps.rescan();
    } finally {
      this.#looking = false;
    }
  }

  #hasRested({ model, offer }: Placed): boolean {
    const { clock, view, switcher, loads, uses } = this.#deps;
    const key = spotKey(offer.engineId, offer.modelId);
    const { pinned, keepAliveMinutes } = optionsFor(model, this.#deps.options());
    const { current } = switcher;
    const lastUsedMs = Math.max(offer.held?.lastUsedMs ?? 0, uses.lastMs(key) ?? 0, this.#seen.get(key) ?? 0);
    return hasRested(
      {
        isDefault: current?.modelId === model.id && current.engineId === offer.engineId,
        pinned: pinned === true,
        isBusy: loads.isArriving(offer) || loads.leaving(offer) !== null,
        inFlight: uses.inFlight(key),
        isOurs: view().engines.some(({ id, ownership }) => id === offer.engineId && ownership === 'owned'),
        keepAliveMinutes: keepAliveMinutes === undefined ? this.#options.keepAliveMinutes : keepAliveMinutes,
        lastUsedMs,
      },
      clock.now(),
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // A folder that cannot be read at the moment is not a file that was deleted.
    return systemErrorCode(error) !== 'ENOENT';
  }
}
