import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../base/atomic-file.ts';
import type { Clock } from '../base/clock.ts';
import { systemErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

const recordSchema = z.object({
  path: z.string(),
  /** `sha256:` and 64 hex digits: what the file had when it was checked. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** What it was pulled as, such as hf.co/org/repo:Q4_K_M; null where it was not pulled. */
  origin: z.string().nullable(),
  sizeBytes: z.number(),
  /** Milliseconds since the epoch. */
  addedAt: z.number(),
});

/** What is known of a model file that its bytes do not tell. */
export type ModelRecord = z.infer<typeof recordSchema>;

const fileSchema = z.object({ models: z.array(recordSchema) });

/**
 * Digest and origin of model files, in one small JSON file. Written in one step with each change, so that a crash
 * leaves the state before it or after it. A file that cannot be understood is put aside and begun anew: models without
 * a record are listed all the same, without digest and origin.
 */
export class ModelRecords {
  readonly #file: string;
  readonly #records = new Map<string, ModelRecord>();

  /** Reads the file. `file`: absolute path of models.json; its folder must be there before the first {@link put}. */
  constructor(options: { readonly file: string }, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#file = options.file;
    for (const record of read(options.file, deps)) this.#records.set(record.path, record);
  }

  /** The record of the file at a path; null when there is none. */
  get(file: string): ModelRecord | null {
    return this.#records.get(path.resolve(file)) ?? null;
  }

  list(): readonly ModelRecord[] {
    return [...this.#records.values()];
  }

  /** Keeps a record in place of an earlier one of the same path. Throws the system's error when it cannot be written. */
  put(record: ModelRecord): void {
    const kept = { ...record, path: path.resolve(record.path) };
    this.#write(new Map(this.#records).set(kept.path, kept));
  }

  /** Forgets the record of a path; nothing happens when there is none. */
  remove(file: string): void {
    const rest = new Map(this.#records);
    if (rest.delete(path.resolve(file))) this.#write(rest);
  }

  #write(records: Map<string, ModelRecord>): void {
    replaceFile(this.#file, `${JSON.stringify({ models: [...records.values()] }, null, 2)}\n`);
    this.#records.clear();
    for (const [key, record] of records) this.#records.set(key, record);
  }
}

function read(file: string, { clock, logger }: { clock: Clock; logger: Logger }): ModelRecord[] {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') logger.warn({ file, err: error }, 'the records of models cannot be read');
    return [];
  }
  const parsed = fileSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data.models;
  const aside = `${file}.corrupt-${clock.now()}`;
  logger.warn({ file, aside }, 'the records of models are damaged and begun anew');
  try {
    renameSync(file, aside);
  } catch (error) {
    logger.warn({ file, err: error }, 'the damaged records of models could not be put aside');
  }
  return [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
