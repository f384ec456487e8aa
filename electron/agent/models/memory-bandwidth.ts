import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { Announcer } from '../base/announcer.ts';
import { replaceFile } from '../base/atomic-file.ts';
import type { Clock } from '../base/clock.ts';
import { systemErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { assumedBandwidthBytesPerS } from './fit-table.ts';

export interface MemoryBandwidthOptions {
  /** Where the result is kept, absolute. */
  readonly file: string;
  /** The program in `memory-bandwidth-child.ts`, as this build has it. */
  readonly childFile: string;
  /** What processor this is: another one is measured anew. */
  readonly cpuModel: string;
  /** Memory that the measurement may take, at most half a gigabyte of it. */
  readonly freeBytes: () => number;
  /** Whether the node has nothing to do now. */
  readonly idle: () => boolean;
}

/** How fast this machine reads its memory. */
export interface Bandwidth {
  readonly bytesPerS: number;
  readonly origin: 'measured' | 'assumed';
}

/** The first try comes when the start is over; then the node is asked until it has nothing to do. */
const askEveryMs = 60_000;
const limitMs = 15_000;
const mostTries = 3;
/** Faster than any machine that this program runs on. */
const fastest = 1e13;
const mebibyte = 2 ** 20;
/** More than any cache holds; less only where memory is scarce. */
const wantedBytes = 512 * mebibyte;
const leastBytes = 64 * mebibyte;

const keptSchema = z.object({
  cpuModel: z.string(),
  threads: z.number(),
  bytesPerS: z.number().positive().max(fastest),
  measuredAt: z.string(),
});
const measuredSchema = z.object({ bytesPerS: z.number().positive().max(fastest), threads: z.number() });

/**
 * Memory bandwidth, measured once for a processor and kept: a second of reading with all usable threads, in a process
 * of its own with the least priority, while the node has nothing to do. Until then it is a cautious assumption.
 */
export class MemoryBandwidth {
  /** Announced when it has been measured. */
  readonly changed = new Announcer<void>();
  readonly #options: MemoryBandwidthOptions;
  readonly #deps: { readonly clock: Clock; readonly logger: Logger };
  readonly #stopping = new AbortController();
  #measured: number | null;
  #tries = 0;
  #running: Promise<void> | null = null;
  #cancel: (() => void) | null = null;

  constructor(options: MemoryBandwidthOptions, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
    this.#deps = deps;
    this.#measured = this.#kept();
  }

  current(): Bandwidth {
    return this.#measured === null
      ? { bytesPerS: assumedBandwidthBytesPerS, origin: 'assumed' }
      : { bytesPerS: this.#measured, origin: 'measured' };
  }

  /** Measures as soon as the node is idle, unless it has been done. */
  start(): void {
    if (this.#measured !== null) return;
    this.#cancel = this.#deps.clock.every(askEveryMs, () => {
      if (this.#options.idle()) void this.measure();
    });
  }

  /** Ends a measurement under way. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    this.#stopping.abort();
    await this.#running;
  }

  /** Measures now. Never rejects; a failure leaves what was there. */
  measure(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(): Promise<void> {
    const { logger, clock } = this.#deps;
    const free = this.#options.freeBytes();
    const totalBytes = Math.min(wantedBytes, Math.floor(free / 4 / mebibyte) * mebibyte);
    if (totalBytes < leastBytes || this.#stopping.signal.aborted) return;
    this.#tries += 1;
    const result = await this.#ask(totalBytes);
    if (result !== null) {
      this.#measured = result.bytesPerS;
      logger.info({ ...result }, 'measured the memory bandwidth');
      const measuredAt = new Date(clock.now()).toISOString();
      this.#keep({ cpuModel: this.#options.cpuModel, ...result, measuredAt });
      this.changed.announce();
    }
    if (result !== null || this.#tries >= mostTries) {
      this.#cancel?.();
      this.#cancel = null;
    }
  }

  #ask(totalBytes: number): Promise<z.infer<typeof measuredSchema> | null> {
    const { logger } = this.#deps;
    const { childFile } = this.#options;
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const settings = {
        timeout: limitMs,
        killSignal: 'SIGKILL',
        signal,
        windowsHide: true,
        maxBuffer: 4_096,
      } as const;
      const given = [childFile, String(availableParallelism()), String(totalBytes)];
      execFile(process.execPath, given, settings, (error, stdout) => {
        const result = measuredSchema.safeParse(parse(stdout));
        if (!result.success && !signal.aborted) logger.warn({ err: error }, 'the memory bandwidth was not measured');
        resolve(result.success ? result.data : null);
      });
    });
  }

  #kept(): number | null {
    const { file, cpuModel } = this.#options;
    try {
      const kept = keptSchema.safeParse(parse(readFileSync(file, 'utf8')));
      return kept.success && kept.data.cpuModel === cpuModel && kept.data.threads === availableParallelism()
        ? kept.data.bytesPerS
        : null;
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') {
        this.#deps.logger.warn({ file, err: error }, 'the memory bandwidth that was kept cannot be read');
      }
      return null;
    }
  }

  #keep(result: z.infer<typeof keptSchema>): void {
    try {
      replaceFile(this.#options.file, `${JSON.stringify(result)}\n`);
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'the memory bandwidth could not be kept');
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
