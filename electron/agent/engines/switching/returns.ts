import type { Clock } from '../../base/clock.ts';
import type { EngineView } from '../placement/engine-view.ts';

/** A model that brings its engine down each time it is loaded must not do so without end. */
const againMs = 10 * 60_000;

/**
 * Notices that an engine which somebody else runs is back: a load that it broke off by going says nothing about the
 * model, so that may be tried again, though not at every return of an engine that comes and goes all the time.
 */
export class Returns {
  readonly #clock: Clock;
  readonly #engines = new Map<string, { isHere: boolean; toldMs: number | null }>();

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Ids of those that are back since the last call. */
  look(engines: readonly Pick<EngineView, 'id' | 'state'>[]): string[] {
    return engines.filter((engine) => this.#isBack(engine)).map(({ id }) => id);
  }

  #isBack({ id, state }: Pick<EngineView, 'id' | 'state'>): boolean {
    const before = this.#engines.get(id);
    const isHere = state === 'adopted';
    if (!before) {
      if (isHere) this.#engines.set(id, { isHere, toldMs: null });
      return false;
    }
    const cameBack = isHere && !before.isHere;
    before.isHere = isHere;
    const nowMs = this.#clock.monotonic();
    if (!cameBack || (before.toldMs !== null && nowMs - before.toldMs < againMs)) return false;
    before.toldMs = nowMs;
    return true;
  }
}
