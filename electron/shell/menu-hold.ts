import type { Timer } from './timer.ts';

/**
 * Keeps a menu from being replaced while it is open, where replacing closes it: what comes meanwhile waits, the newest
 * wins, and is shown when the menu closes. Some desktops never tell that a menu closed; after `longestMs` it counts as
 * closed, so that it cannot go stale for ever.
 */
export class MenuHold<Content> {
  readonly #longestMs: number;
  readonly #show: (content: Content) => void;
  readonly #timer: Timer;
  #openedAtMs: number | null = null;
  #waiting: { readonly content: Content } | null = null;

  constructor(options: { longestMs: number }, deps: { show: (content: Content) => void; timer: Timer }) {
    this.#longestMs = options.longestMs;
    this.#show = deps.show;
    this.#timer = deps.timer;
  }

  offer(content: Content): void {
    if (this.#openedAtMs !== null && this.#timer.now() - this.#openedAtMs < this.#longestMs) {
      this.#waiting = { content };
      return;
    }
    this.#openedAtMs = null;
    this.#waiting = null;
    this.#show(content);
  }

  opened(): void {
    this.#openedAtMs = this.#timer.now();
  }

  closed(): void {
    this.#openedAtMs = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) this.#show(waiting.content);
  }
}
