import type { MenuItem } from './tray-items.ts';
import type { Timer } from './timer.ts';

export interface MenuHoldOptions {
  /** After this long an open menu counts as closed: some desktops tell that one opens and never that it closed. */
  readonly longestOpenMs: number;
  /** Shortest time between two menus that differ in figures only; for desktops that tell nothing at all. */
  readonly figuresEveryMs: number;
}

/**
 * Keeps a menu from being replaced while it is open, where replacing closes it. What comes while it is open waits, the
 * newest wins, and is shown when it closes. Where the desktop does not tell, menus that differ in nothing but figures
 * are at least kept apart.
 */
export class MenuHold {
  readonly #options: MenuHoldOptions;
  readonly #show: (items: readonly MenuItem[]) => void;
  readonly #timer: Timer;
  #openedAtMs: number | null = null;
  #waiting: readonly MenuItem[] | null = null;
  /** The items on show as text; null when what is on show cannot be trusted. */
  #shown: string | null = null;
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MenuHoldOptions, deps: { show: (items: readonly MenuItem[]) => void; timer: Timer }) {
    this.#options = options;
    this.#show = deps.show;
    this.#timer = deps.timer;
  }

  /** Shows these items, now or as soon as nothing speaks against it. */
  offer(items: readonly MenuItem[]): void {
    const text = JSON.stringify(items);
    this.#waiting = text === this.#shown ? null : items;
    if (this.#waiting === null || this.#isOpen() || this.#isTooSoon(text)) return;
    this.#replace(items, text);
  }

  /** The next offer is shown even if it is the same: a click has changed what the menu looks like. */
  forget(): void {
    this.#shown = null;
  }

  opened(): void {
    // A second opening says that the first one is over, but must not put off for ever what waits since then.
    this.#openedAtMs ??= this.#timer.now();
  }

  closed(): void {
    this.#openedAtMs = null;
    if (this.#waiting) this.#replace(this.#waiting, JSON.stringify(this.#waiting));
  }

  #isOpen(): boolean {
    if (this.#openedAtMs === null) return false;
    if (this.#timer.now() - this.#openedAtMs < this.#options.longestOpenMs) return true;
    this.#openedAtMs = null;
    return false;
  }

  #isTooSoon(text: string): boolean {
    if (this.#shown === null || withoutFigures(text) !== withoutFigures(this.#shown)) return false;
    return this.#timer.now() - this.#shownAtMs < this.#options.figuresEveryMs;
  }

  #replace(items: readonly MenuItem[], text: string): void {
    this.#waiting = null;
    this.#shown = text;
    this.#shownAtMs = this.#timer.now();
    this.#show(items);
  }
}

function withoutFigures(text: string): string {
  return text.replace(/\d+(?:\.\d+)?/gu, '#');
}
