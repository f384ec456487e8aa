import { mkdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { Book, type Forfeited } from './book.ts';
import { isSameBoot } from './boot-id.ts';
import { JournalReader } from './journal-reader.ts';
import type { WorkerSettings } from './messages.ts';
import { checkIntegrity, openForWriting } from './schema.ts';

/** A larger file is trusted until SQLite finds fault with it: reading it all would take seconds at each start. */
const checkedBytes = 32 * 1024 * 1024;

/** The database with the journal that feeds it: one start of the writer, from its opening to its first failure. */
export class Store {
  readonly #settings: WorkerSettings;
  readonly #database: DatabaseSync;
  readonly #book: Book;
  readonly #reader: JournalReader;
  #damagedLines = 0;
  /** Whether a piece of a run that is over could not be read, by run. */
  readonly #damagedRuns = new Set<number>();

  /** Throws what SQLite and the system throw. */
  constructor(settings: WorkerSettings) {
    this.#settings = settings;
    mkdirSync(dirname(settings.file), { recursive: true, mode: 0o700 });
    const sizeBytes = sizeOf(settings.file);
    this.#database = openForWriting(settings.file);
    try {
      if (sizeBytes > 0 && sizeBytes <= checkedBytes) checkIntegrity(this.#database);
      this.#book = new Book(this.#database, settings);
      this.#reader = new JournalReader(settings);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get database(): DatabaseSync {
    return this.#database;
  }

  get book(): Book {
    return this.#book;
  }

  /** Lines of the journal that could not be understood since the start. */
  get damagedLines(): number {
    return this.#damagedLines;
  }

  /** Takes in what earlier runs left, and ends what they had open. */
  takeOver(nowMs: number): Forfeited {
    const lease = this.#book.lease();
    while (this.step());
    const isLost = lease !== null && (!isSameBoot(lease.boot, this.#settings.boot) || this.#damagedRuns.has(lease.run));
    const forfeited = this.#book.closeEarlierRuns({ nowMs, isLeaseLost: isLost });
    this.#reader.removeRead();
    this.#book.forgetRuns(this.#reader.earlierRuns);
    return forfeited;
  }

  /** Brings the next piece of the journal into the database; false at its present end. */
  step(): boolean {
    const batch = this.#reader.next();
    if (batch === null) return false;
    this.#damagedLines += batch.damaged;
    if (batch.damaged > 0 && !batch.isLive) this.#damagedRuns.add(batch.run);
    this.#book.apply(batch.run, batch.entries);
    return true;
  }

  /** The last entry of this run that is in the database. */
  get position(): number {
    return this.#book.position(this.#settings.run);
  }

  /** After steps: files of the journal that are not needed any more go. */
  tidy(): void {
    this.#reader.removeRead();
  }

  close(): void {
    this.#reader.close();
    this.#database.close();
  }
}

/** A connection of its own for a question that takes long. */
export function openForReading(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
}

/** Moves a database that cannot be read out of the way, and answers with its new place. */
export function setAside(file: string, nowMs: number): string {
  const aside = `${file.replace(/\.db$/, '')}.corrupt-${nowMs}.db`;
  renameSync(file, aside);
  for (const ending of ['-wal', '-shm']) {
    try {
      renameSync(file + ending, aside + ending);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') rmSync(file + ending, { force: true });
    }
  }
  return aside;
}

/** Null where the system does not tell. */
export function freeBytesAt(file: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return null;
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
