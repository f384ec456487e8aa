import type { ActivityEntry } from '../../contract/snapshot.ts';

export interface ActivityLogOptions {
  readonly capacity: number;
  /** Of requests that were turned away before anything of them was read: they have room of their own. */
  readonly turnedAwayCapacity: number;
}

interface Kept {
  readonly number: number;
  readonly entry: ActivityEntry;
}

/**
 * The last requests, newest first. An entry is replaced as its request goes on, and forgotten when too old. Whoever has no
 * key can send as many requests as it likes, and pushes only others of its kind out.
 */
export class ActivityLog {
  readonly #options: ActivityLogOptions;
  /** By trace, oldest first. */
  readonly #entries = new Map<string, Kept>();
  readonly #turnedAway = new Map<string, Kept>();
  #number = 0;

  constructor(options: ActivityLogOptions) {
    this.#options = options;
  }

  add(entry: ActivityEntry): void {
    this.#put(this.#entries, entry, this.#options.capacity);
  }

  /** One that was refused before anything of it was read. */
  addTurnedAway(entry: ActivityEntry): void {
    this.#put(this.#turnedAway, entry, this.#options.turnedAwayCapacity);
  }

  update(trace: string, change: Partial<ActivityEntry>): void {
    for (const entries of [this.#entries, this.#turnedAway]) {
      const kept = entries.get(trace);
      if (kept) entries.set(trace, { ...kept, entry: { ...kept.entry, ...change } });
    }
  }

  /** Newest first, no more than the capacity. */
  list(): ActivityEntry[] {
    return [...this.#entries.values(), ...this.#turnedAway.values()]
      .toSorted((a, b) => b.number - a.number)
      .slice(0, this.#options.capacity)
      .map(({ entry }) => entry);
  }

  #put(entries: Map<string, Kept>, entry: ActivityEntry, capacity: number): void {
    this.#number += 1;
    entries.set(entry.trace, { number: this.#number, entry });
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) return;
      entries.delete(oldest);
    }
  }
}
