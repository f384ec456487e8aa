import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import type { JournalEntry } from './entries.ts';
import { segmentOf } from './journal-files.ts';
import { encodeLine } from './journal-line.ts';

export interface JournalWriterOptions {
  readonly journalDir: string;
  readonly run: number;
  /** A file longer than this is followed by the next one. */
  readonly segmentBytes?: number;
}

/**
 * The one writer of this run's journal. What it wrote outlives the process, whatever ends it; it does not wait for the
 * disk. Throws the system's error when nothing could be written, and then nothing of it is in the journal.
 */
export class JournalWriter {
  readonly #journalDir: string;
  readonly #run: number;
  readonly #segmentBytes: number;
  #descriptor: number | null = null;
  #part = 0;
  #length = 0;
  #seq = 0;

  constructor(options: JournalWriterOptions) {
    this.#journalDir = options.journalDir;
    this.#run = options.run;
    this.#segmentBytes = options.segmentBytes ?? 4 * 1024 * 1024;
  }

  /** Number of the last entry; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** Appends all of them in one write, and answers with the bytes that they take. */
  append(entries: readonly JournalEntry[]): number {
    const text = entries.map((entry, index) => encodeLine(this.#seq + 1 + index, entry)).join('');
    const bytes = Buffer.from(text);
    const descriptor = this.#open();
    let written = 0;
    try {
      written = writeSync(descriptor, bytes);
    } catch (error) {
      this.#undo(descriptor, entries.length);
      throw error;
    }
    if (written < bytes.length) {
      this.#undo(descriptor, entries.length);
      throw Object.assign(new Error('the disk took only a part of the line'), { code: 'ENOSPC' });
    }
    this.#seq += entries.length;
    this.#length += written;
    return written;
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #open(): number {
    if (this.#descriptor !== null && this.#length < this.#segmentBytes) return this.#descriptor;
    mkdirSync(this.#journalDir, { recursive: true, mode: 0o700 });
    const next = openSync(segmentOf(this.#journalDir, this.#run, this.#part + 1).path, 'ax', 0o600);
    this.close();
    this.#part += 1;
    this.#length = 0;
    this.#descriptor = next;
    return next;
  }

  /** Half a line must not stand before a whole one. */
  #undo(descriptor: number, count: number): void {
    try {
      ftruncateSync(descriptor, this.#length);
    } catch {
      // Whole lines may have stayed: their numbers are never given to others, and what follows goes into a new file.
      this.#seq += count;
      this.#length = Number.POSITIVE_INFINITY;
    }
  }
}
