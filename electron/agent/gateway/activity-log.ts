import type { ActivityEntry } from '../../contract/snapshot.ts';

/** The last requests, newest first. An entry is replaced as its request goes on, and forgotten when too old. */
export class ActivityLog {
  readonly #capacity: number;
  /** By trace, oldest first. */
  readonly #entries = new Map<string, ActivityEntry>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(entry: ActivityEntry): void {
    this.#entries.set(entry.trace, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#capacity) return;
      this.#entries.delete(oldest);
    }
  }

  update(trace: string, change: Partial<ActivityEntry>): void {
    const entry = this.#entries.get(trace);
    if (entry) this.#entries.set(trace, { ...entry, ...change });
  }

  /** Newest first. */
  list(): ActivityEntry[] {
    return [...this.#entries.values()].reverse();
  }
}
