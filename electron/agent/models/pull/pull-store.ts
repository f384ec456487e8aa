import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../../base/atomic-file.ts';
import { systemErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { pullRecordSchema, type PullRecord } from './pull-record.ts';

const fileSchema = z.object({ pulls: z.array(z.unknown()).max(1_000) });

/** The pulls in a small JSON file, so that they survive the agent. */
export class PullStore {
  readonly #file: string;
  readonly #logger: Logger;

  constructor(options: { readonly file: string }, deps: { readonly logger: Logger }) {
    this.#file = options.file;
    this.#logger = deps.logger;
  }

  /** What was kept. A damaged file is put aside; a damaged entry is left out. */
  load(): PullRecord[] {
    let text;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') this.#logger.warn({ err: error }, 'the list of pulls cannot be read');
      return [];
    }
    const parsed = fileSchema.safeParse(parse(text));
    if (!parsed.success) {
      this.#putAside();
      return [];
    }
    return parsed.data.pulls.flatMap((item) => {
      const record = pullRecordSchema.safeParse(item);
      if (!record.success) this.#logger.warn({}, 'a pull in the list cannot be understood and is forgotten');
      return record.success ? [record.data] : [];
    });
  }

  /** Keeps them. A full disk must not end a pull that would need nothing but this: it is logged. */
  save(pulls: readonly PullRecord[]): void {
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      replaceFile(this.#file, `${JSON.stringify({ pulls }, null, 2)}\n`);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the list of pulls cannot be written');
    }
  }

  #putAside(): void {
    this.#logger.warn({ file: this.#file }, 'the list of pulls is damaged and begun anew');
    try {
      renameSync(this.#file, `${this.#file}.corrupt`);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the damaged list of pulls could not be put aside');
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
