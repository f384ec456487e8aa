import type { JournalEntry } from './entries.ts';

/**
 * What could not be written yet, in its order. Money is always kept: while the ledger is closed nothing new is set aside,
 * so that no more can come of it than was under way. Of finished requests only so many are.
 */
export class HeldEntries {
  readonly #mostRequests: number;
  #entries: JournalEntry[] = [];
  #requests = 0;
  #dropped = 0;

  constructor(options: { readonly mostRequests: number }) {
    this.#mostRequests = options.mostRequests;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Requests that were not kept for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  hold(entry: JournalEntry): void {
    if (entry.kind === 'request') {
      if (this.#requests >= this.#mostRequests) {
        this.#dropped += 1;
        return;
      }
      this.#requests += 1;
    }
    this.#entries.push(entry);
  }

  /** The oldest ones, which stay until `written`. */
  oldest(count: number): readonly JournalEntry[] {
    return this.#entries.slice(0, count);
  }

  written(count: number): void {
    const gone = this.#entries.slice(0, count);
    this.#requests -= gone.filter(({ kind }) => kind === 'request').length;
    this.#entries = this.#entries.slice(count);
  }
}
