import { renameSync } from 'node:fs';
import type { Trace } from '../../contract/trace.ts';
import type { Clock } from '../base/clock.ts';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { quotable } from '../base/quotable.ts';
import type { Logger } from '../base/logger.ts';
import { TraceFile, type TraceFilter } from './trace-file.ts';

export interface TraceStoreOptions {
  /** Absolute path of traces.db; its folder must be there. */
  readonly file: string;
  /** Decisions that are kept; with 0 there is no file. */
  readonly kept: number;
}

/** Decisions are written together, off the way of answers; a kill loses at most these. */
const writeAfterMs = 500;
/** Written without waiting further: one write then takes about two milliseconds. */
const batch = 64;
/** Kept while they cannot be written; then the oldest go. */
const mostPending = 1_000;

/**
 * The latest decisions of the gateway with their reasons, over restarts. They hold no text of a request or an answer,
 * and losing some costs nobody anything: a damaged file is put aside and begun anew, and nothing here ever fails a
 * request.
 */
export class TraceStore {
  readonly #options: TraceStoreOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #file: TraceFile | null;
  /** Oldest first. */
  #pending: Trace[] = [];
  #cancelWrite: (() => void) | null = null;
  #failing = false;

  constructor(options: TraceStoreOptions, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#file = options.kept === 0 ? null : this.#open();
  }

  /** Keeps a decision. Cheap: nothing is written here. */
  record(trace: Trace): void {
    if (this.#file === null) return;
    this.#pending.push(trace);
    if (this.#pending.length > mostPending) this.#pending.shift();
    if (this.#pending.length === batch) {
      this.#cancelWrite?.();
      this.#cancelWrite = this.#clock.after(0, () => this.flush());
    }
    this.#cancelWrite ??= this.#clock.after(writeAfterMs, () => this.flush());
  }

  /**
   * The decision with this id, or whose id begins so.
   *
   * @throws AppError `not_found`; `invalid_request` when several begin so
   */
  byId(id: string): Trace {
    this.flush();
    const text = id.toLowerCase();
    const [found, other] = this.#file?.beginning(text) ?? [];
    if (found?.trace === text || (found && !other)) return found;
    if (!found) {
      const message = `No decision "${quotable(id, 64)}" is kept. "ranch-hand trace" lists the latest ${this.#options.kept.toLocaleString('en-US')}.`;
      throw new AppError('not_found', message);
    }
    throw new AppError('invalid_request', `Several decisions begin with "${quotable(id, 64)}". Give more of the id.`);
  }

  /** The latest first, with the number of all that fit. */
  list(query: TraceFilter & { readonly limit: number; readonly before?: string | undefined }): {
    traces: Trace[];
    total: number;
  } {
    this.flush();
    const { limit, before, ...filter } = query;
    if (this.#file === null) return { traces: [], total: 0 };
    return { traces: this.#file.list(filter, limit, before), total: this.#file.count(filter) };
  }

  /** Writes what is not written yet. */
  flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    if (this.#file === null || this.#pending.length === 0) return;
    try {
      const unsound = this.#file.add(this.#pending, this.#options.kept);
      if (unsound > 0) this.#logger.warn({ unsound }, 'decisions were left out that are none by the contract');
      this.#pending = [];
      this.#failing = false;
    } catch (error) {
      // Kept for the next try; told once for each time that it begins to fail.
      if (!this.#failing) this.#logger.warn({ file: this.#options.file, err: error }, 'decisions could not be written');
      this.#failing = true;
    }
  }

  /** Writes what is left and closes the file. */
  close(): void {
    this.flush();
    this.#file?.close();
    this.#file = null;
  }

  #open(): TraceFile | null {
    const { file, kept } = this.#options;
    try {
      return this.#opened(kept);
    } catch (error) {
      const aside = `.corrupt-${this.#clock.now()}`;
      this.#logger.warn({ file, aside, err: error }, 'the kept decisions are damaged and begun anew');
      for (const ending of ['', '-wal', '-shm']) putAside(`${file}${ending}`, `${file}${aside}${ending}`);
    }
    try {
      return this.#opened(kept);
    } catch (error) {
      this.#logger.warn({ file, err: error }, 'decisions are not kept: there is no place for them');
      return null;
    }
  }

  #opened(kept: number): TraceFile {
    const opened = new TraceFile(this.#options.file);
    // Fewer may be wanted than at the last run.
    opened.add([], kept);
    return opened;
  }
}

function putAside(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
