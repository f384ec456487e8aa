import { readFileSync, renameSync } from 'node:fs';
import * as z from 'zod';
import { replaceFile } from '../base/atomic-file.ts';
import type { Clock } from '../base/clock.ts';
import { systemErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { longestCause, type Span } from './availability-spans.ts';

const spanSchema = z.object({
  from: z.number(),
  to: z.number(),
  cause: z.string().max(longestCause).nullable(),
});

const fileSchema = z.object({
  version: z.literal(1),
  /** When it was last written, and whether the agent then stopped as it was told. Milliseconds since the epoch. */
  at: z.number(),
  stopped: z.boolean(),
  node: z.array(spanSchema),
  engines: z.record(z.string(), z.array(spanSchema)),
});

/** What is kept of a run for the next one. */
export interface AvailabilityRecord {
  readonly at: number;
  readonly stopped: boolean;
  readonly node: readonly Span[];
  readonly engines: ReadonlyMap<string, readonly Span[]>;
}

/**
 * The measured time on disk, one small file that is replaced as a whole. One that cannot be understood is put aside and
 * begun anew: a figure is lost then, and nothing else.
 */
export class AvailabilityFile {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #failed = false;

  constructor(options: { readonly file: string }, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#file = options.file;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** Null when there is none. */
  read(): AvailabilityRecord | null {
    let text;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') this.#logger.warn({ err: error }, 'the availability cannot be read');
      return null;
    }
    const parsed = fileSchema.safeParse(parse(text));
    if (parsed.success) return { ...parsed.data, engines: new Map(Object.entries(parsed.data.engines)) };
    const aside = `${this.#file}.corrupt-${this.#clock.now()}`;
    this.#logger.warn({ aside }, 'the measured availability is damaged and begun anew');
    try {
      renameSync(this.#file, aside);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the damaged file cannot be put aside');
    }
    return null;
  }

  /** A failure is logged once and tried again the next time: no figure is worth an agent that falls. */
  write(record: AvailabilityRecord): void {
    try {
      const engines = Object.fromEntries(record.engines);
      replaceFile(this.#file, `${JSON.stringify({ version: 1, ...record, engines })}\n`);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#logger.warn({ err: error }, 'the availability cannot be written');
      this.#failed = true;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
