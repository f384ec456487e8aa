import { open } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { systemErrorCode } from '../../base/errors.ts';

export interface ReadAheadOptions {
  readonly chunkBytes: number;
  /** Pause between two chunks: together with their size the most that is read in a second. */
  readonly pauseMs: number;
  /** After this the cache may have forgotten the files, so they are read again. */
  readonly againMs: number;
}

/** 80 MB/s: a fraction of what any disk that holds models gives, so that nobody else notices. */
export const readAheadDefaults: ReadAheadOptions = { chunkBytes: 4 * 1024 * 1024, pauseMs: 50, againMs: 10 * 60_000 };

export interface ReadAheadDeps {
  readonly clock: Clock;
  /** Whether nobody asks and nothing is being loaded. */
  readonly isIdle: () => boolean;
  /** The files to read, in this order; those that are in memory anyway left out. */
  readonly files: () => readonly string[];
  /** What the system could still keep in memory; a file that is larger would only push others out. */
  readonly freeBytes: () => number;
}

/**
 * Reads the files of models that may be wanted next while the node is idle, so that the system's page cache has them
 * when they are. Slowly, one piece after another, and not while somebody asks.
 */
export class ReadAhead {
  readonly #options: ReadAheadOptions;
  readonly #deps: ReadAheadDeps;
  readonly #readAt = new Map<string, number>();
  #stop = new AbortController();
  #reading: Promise<void> | null = null;

  constructor(options: ReadAheadOptions, deps: ReadAheadDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Goes once through the files that are due; a call while it is at it changes nothing. */
  run(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    const { clock, files } = this.#deps;
    for (const path of files()) {
      const readAt = this.#readAt.get(path);
      if (readAt !== undefined && clock.monotonic() - readAt < this.#options.againMs) continue;
      // Where reading broke off for a caller's sake, it begins anew at the next time: what was read is quick then.
      if (!(await this.#read(path))) return;
      this.#readAt.set(path, clock.monotonic());
    }
  }

  /** Whether it has been read to its end, or cannot be. */
  async #read(path: string): Promise<boolean> {
    const { chunkBytes } = this.#options;
    try {
      await using file = await open(path, 'r');
      const { size } = await file.stat();
      if (size > this.#deps.freeBytes()) return true;
      const chunk = Buffer.allocUnsafe(chunkBytes);
      for (let at = 0; at < size; at += chunkBytes) {
        if (this.#stop.signal.aborted || !this.#deps.isIdle()) return false;
        await file.read(chunk, 0, chunkBytes, at);
        await this.#pause();
      }
      return true;
    } catch (error) {
      // A file that went or cannot be read is the catalogue's to tell.
      if (systemErrorCode(error) !== undefined) return true;
      throw error;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#deps.clock.after(this.#options.pauseMs, resolve);
    });
  }
}
