import type { JournalEntry } from './entries.ts';
import { HeldEntries } from './held-entries.ts';
import { JournalDebt } from './journal-debt.ts';
import { JournalWriter, type JournalWriterOptions } from './journal-writer.ts';

const heldAStep = 100;
const mostHeldRequests = 20_000;
/** Beyond this much journal that the database did not take, finished requests are no longer written, only money. */
const mostDebtBytes = 64 * 1024 * 1024;

/** The journal with what it could not take yet. Nothing overtakes what is held, so that all stays in its order. */
export class JournalFeed {
  readonly #journal: JournalWriter;
  readonly #failed: (error: unknown) => void;
  readonly #held = new HeldEntries({ mostRequests: mostHeldRequests });
  readonly #debt = new JournalDebt();
  #isDraining = false;
  #refused = 0;

  /** `failed` hears of every write that did not come about. */
  constructor(options: JournalWriterOptions, deps: { readonly failed: (error: unknown) => void }) {
    this.#journal = new JournalWriter(options);
    this.#failed = deps.failed;
  }

  /** Number of the last entry that was written. */
  get seq(): number {
    return this.#journal.seq;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** Requests that were not kept for want of room. */
  get dropped(): number {
    return this.#held.dropped + this.#refused;
  }

  /** Writes at once; false when it could not be written, and then it is as if it had not been tried. */
  write(entries: readonly JournalEntry[]): boolean {
    try {
      const bytes = this.#journal.append(entries);
      this.#debt.add(this.#journal.seq, bytes);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** Writes, or holds until it can be written; whether it was written. */
  append(entry: JournalEntry): boolean {
    if (entry.kind === 'request' && this.#debt.bytes > mostDebtBytes) {
      this.#refused += 1;
      return false;
    }
    if (this.#held.size === 0 && this.write([entry])) return true;
    this.#held.hold(entry);
    return false;
  }

  /** All entries up to `seq` are in the database. */
  committed(seq: number): void {
    this.#debt.committed(seq);
  }

  /** Writes what is held in small pieces, or a word that says nothing; `done` hears when all of it is written. */
  drain(done: () => void): void {
    if (this.#isDraining) return;
    if (this.#held.size === 0) this.#held.hold({ kind: 'probe' });
    if (!this.#drainSome(heldAStep)) return;
    if (this.#held.size === 0) {
      done();
      return;
    }
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      this.drain(done);
    });
  }

  /** Writes all that is held, as far as that goes, and closes the file. */
  close(): void {
    this.#drainSome(this.#held.size);
    this.#journal.close();
  }

  #drainSome(count: number): boolean {
    const entries = this.#held.oldest(count);
    if (entries.length === 0) return true;
    if (!this.write(entries)) return false;
    this.#held.written(entries.length);
    return true;
  }
}
