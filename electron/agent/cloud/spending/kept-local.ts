import type { Nanodollars } from '../ledger-port.ts';

/** What the answers of a day that cost nothing would have cost elsewhere. */
export class KeptLocal {
  /** When the day began that is being counted, by the budgets' clock. */
  #dayMs = 0;
  #nanos: Nanodollars = 0;

  /** What is known of a day from its books. */
  seed(dayMs: number, nanos: Nanodollars): void {
    this.#dayMs = dayMs;
    this.#nanos = nanos;
  }

  add(dayMs: number, nanos: Nanodollars): void {
    this.seed(dayMs, this.of(dayMs) + nanos);
  }

  /** Of the day that began then; nothing of any other. */
  of(dayMs: number): Nanodollars {
    return this.#dayMs === dayMs ? this.#nanos : 0;
  }
}
