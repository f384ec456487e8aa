import type { NodeSnapshot } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import type { Caller } from './caller.ts';

/** How long a caller is remembered after its last request. */
const keptMs = 3_600_000;
/** Keys and addresses that are told apart; the one that has not called the longest goes. */
const mostCallers = 200;

interface Entry {
  readonly key: string | null;
  readonly from: string;
  lastMs: number;
  requests: number;
}

/** Who called in the last hour, by key and address. */
export class RecentCallers {
  readonly #clock: Clock;
  /** The one that has not called the longest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is a caller that was not known. */
  note({ id, keyName, from }: Caller): boolean {
    const name = `${id}\n${from}`;
    const known = this.#entries.get(name);
    const entry = known ?? { key: keyName, from, lastMs: 0, requests: 0 };
    entry.lastMs = this.#clock.now();
    entry.requests += 1;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > mostCallers && oldest !== undefined) this.#entries.delete(oldest);
    return known === undefined;
  }

  /** Latest first. `requests` are those since it was first seen. */
  list(): NodeSnapshot['gateway']['callers'] {
    const since = this.#clock.now() - keptMs;
    for (const [name, { lastMs }] of this.#entries) if (lastMs < since) this.#entries.delete(name);
    return [...this.#entries.values()].reverse().map(({ key, from, lastMs, requests }) => ({
      key,
      from,
      lastAt: new Date(lastMs).toISOString(),
      requests,
    }));
  }
}
