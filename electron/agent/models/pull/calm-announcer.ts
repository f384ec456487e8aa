import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';

/** Announces that something has changed: what matters at once, mere progress at most so often. */
export class CalmAnnouncer {
  readonly changed = new Announcer<void>();
  readonly #everyMs: number;
  readonly #clock: Clock;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(options: { readonly everyMs: number }, deps: { readonly clock: Clock }) {
    this.#everyMs = options.everyMs;
    this.#clock = deps.clock;
  }

  soon(): void {
    const sinceMs = this.#clock.monotonic() - this.#lastMs;
    if (sinceMs >= this.#everyMs) this.now();
    else this.#cancel ??= this.#clock.after(this.#everyMs - sinceMs, () => this.now());
  }

  now(): void {
    this.stop();
    this.#lastMs = this.#clock.monotonic();
    this.changed.announce();
  }

  /** What waits to be announced is not. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
