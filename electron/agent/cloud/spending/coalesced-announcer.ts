import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';

export interface CoalescedAnnouncerOptions {
  /** How long what changes is gathered before it is told, milliseconds. */
  readonly afterMs: number;
}

/** Tells a burst of changes once. */
export class CoalescedAnnouncer {
  readonly changed = new Announcer<void>();
  readonly #afterMs: number;
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;
  #isStopped = false;

  constructor(options: CoalescedAnnouncerOptions, deps: { readonly clock: Clock }) {
    this.#afterMs = options.afterMs;
    this.#clock = deps.clock;
  }

  announce(): void {
    if (this.#cancel !== null || this.#isStopped) return;
    this.#cancel = this.#clock.after(this.#afterMs, () => {
      this.#cancel = null;
      this.changed.announce();
    });
  }

  /** Nothing is told from here on. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }
}
