import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import type { NumberedEntry } from './entries.ts';
import { listSegments, segmentOf, type Segment } from './journal-files.ts';
import { decodeLines } from './journal-line.ts';

export interface ReadBatch {
  readonly run: number;
  readonly entries: readonly NumberedEntry[];
  /** Whole lines that could not be understood. */
  readonly damaged: number;
  /** Whether the run whose entries these are is this one. */
  readonly isLive: boolean;
}

const pieceBytes = 256 * 1024;

/**
 * Reads the journal from its oldest file on, and follows the one that is being written. `next` never waits; it answers
 * with null at the present end.
 */
export class JournalReader {
  readonly #journalDir: string;
  readonly #run: number;
  #earlier: Segment[];
  #part = 1;
  #descriptor: number | null = null;
  #offset = 0;
  #piece = Buffer.allocUnsafe(pieceBytes);

  constructor(options: { readonly journalDir: string; readonly run: number }) {
    this.#journalDir = options.journalDir;
    this.#run = options.run;
    const segments = listSegments(options.journalDir);
    this.#earlier = segments.filter(({ run }) => run !== options.run);
    // Files of this run that were taken over by a database already are gone.
    this.#part = segments.find(({ run }) => run === options.run)?.part ?? 1;
  }

  /** Runs before this one that have left files, oldest first. */
  get earlierRuns(): readonly number[] {
    return [...new Set(this.#earlier.map(({ run }) => run))];
  }

  next(): ReadBatch | null {
    for (;;) {
      const earlier = this.#earlier[0];
      const segment = earlier ?? segmentOf(this.#journalDir, this.#run, this.#part);
      const isLive = earlier === undefined;
      if (!this.#open(segment)) {
        if (isLive) return null;
        this.#earlier.shift();
        continue;
      }
      // Asked before the end is read: a file that has a successor gets no further line.
      const isFinished = !isLive || this.#hasNext();
      const { entries, damaged } = this.#read();
      if (entries.length > 0 || damaged > 0) return { run: segment.run, entries, damaged, isLive };
      if (!isFinished) return null;
      // What may remain is the beginning of a line, torn off by a full disk or a power cut: nobody was answered for it.
      this.#leave();
      if (isLive) this.#part += 1;
      else this.#earlier.shift();
    }
  }

  /** Removes the files that were read to their end; call when all that was read is in the database. */
  removeRead(): void {
    const firstKept = this.#earlier[0];
    for (const segment of listSegments(this.#journalDir)) {
      const isRead = firstKept
        ? segment.run < firstKept.run || (segment.run === firstKept.run && segment.part < firstKept.part)
        : segment.run !== this.#run || segment.part < this.#part;
      if (isRead) rmSync(segment.path, { force: true });
    }
  }

  close(): void {
    this.#leave();
  }

  #open(segment: Segment): boolean {
    if (this.#descriptor !== null) return true;
    try {
      this.#descriptor = openSync(segment.path, 'r');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
    this.#offset = 0;
    return true;
  }

  #hasNext(): boolean {
    return listSegments(this.#journalDir).some(({ run, part }) => run === this.#run && part > this.#part);
  }

  #read(): { entries: readonly NumberedEntry[]; damaged: number } {
    const descriptor = this.#descriptor;
    if (descriptor === null) return { entries: [], damaged: 0 };
    for (;;) {
      const length = readSync(descriptor, this.#piece, 0, this.#piece.length, this.#offset);
      const { entries, damaged, readBytes } = decodeLines(this.#piece.subarray(0, length));
      this.#offset += readBytes;
      const isFull = length === this.#piece.length;
      if (readBytes > 0 || !isFull) return { entries, damaged };
      // One line that is longer than the piece: nothing of ours is, unless the file is no journal.
      if (this.#piece.length >= fstatSync(descriptor).size) return { entries, damaged };
      this.#piece = Buffer.allocUnsafe(this.#piece.length * 2);
    }
  }

  #leave(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#offset = 0;
  }
}
