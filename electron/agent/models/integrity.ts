import { stat } from 'node:fs/promises';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { CatalogModel } from './catalog-model.ts';
import { partsOf } from './model-files.ts';
import type { ModelCatalog } from './catalog.ts';
import type { ModelRecords } from './records.ts';
import { verify } from './verify.ts';

export interface IntegrityOptions {
  /** Whether the node has nothing to do now: checking reads whole files. */
  readonly idle: () => boolean;
}

export interface IntegrityDeps {
  readonly catalog: Pick<ModelCatalog, 'list' | 'quarantine'>;
  readonly records: Pick<ModelRecords, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A model whose bytes were not what they were when it came, and was taken out of the list. */
export interface Quarantined {
  readonly id: string;
  /** Where its file is now; null where it could not be renamed. */
  readonly path: string | null;
  readonly origin: string | null;
  readonly atMs: number;
  readonly sentence: string;
}

interface Found extends Quarantined {
  /** Where its file was. */
  readonly from: string;
}

/** What came of checking one model. */
export type Checked = 'sound' | 'damaged' | 'unknown';

/** One model is checked at a time, with this much time between two of them. */
const everyMs = 10 * 60_000;
/** A model is not checked again before so long. */
const againAfterMs = 7 * 24 * 60 * 60_000;
/** After each quarter of a megabyte: some 50 MB/s, beside which a disk and a core have time for others. */
const pauseMs = 4;

/**
 * Finds stored models whose bytes have changed: by the digest they came with, one at a time while the node is idle. A
 * damaged one leaves the list; its file stays under another name.
 */
export class Integrity {
  /** Announced when a model was taken out of the list. */
  readonly changed = new Announcer<void>();
  readonly #options: IntegrityOptions;
  readonly #deps: IntegrityDeps;
  readonly #checkedAt = new Map<string, number>();
  #quarantined: Found[] = [];
  readonly #stopping = new AbortController();
  #cancel: (() => void) | null = null;
  #running: Promise<unknown> | null = null;

  constructor(options: IntegrityOptions, deps: IntegrityDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    this.#cancel = this.#deps.clock.every(everyMs, () => {
      const next = this.#options.idle() && this.#running === null ? this.#next() : undefined;
      if (next) void this.check(next.id);
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    this.#stopping.abort();
    await this.#running;
  }

  /** Models that were found damaged since the start and have not been replaced, latest first. */
  quarantined(): readonly Quarantined[] {
    const listed = new Set(this.#deps.catalog.list().map((model) => model.path));
    // One that was taken out of the list and is in it again has come anew; one that could not be is there until deleted.
    return this.#quarantined.filter(({ from, path }) => listed.has(from) === (path === null));
  }

  /** Checks one model now; `unknown` for one without a digest, or that cannot be read. Never rejects. */
  check(id: string): Promise<Checked> {
    const run = (this.#running ?? Promise.resolve()).then(() => this.#check(id));
    const settled = run.finally(() => {
      if (this.#running === settled) this.#running = null;
    });
    this.#running = settled;
    return settled;
  }

  #next(): CatalogModel | undefined {
    const { catalog, records, clock } = this.#deps;
    return catalog.list().find((model) => {
      const checkedAt = this.#checkedAt.get(model.path);
      const due = checkedAt === undefined || clock.now() - checkedAt > againAfterMs;
      return due && model.problem === null && records.get(model.path) !== null;
    });
  }

  async #check(id: string): Promise<Checked> {
    const { catalog, records, clock, logger } = this.#deps;
    const model = catalog.list().find((each) => each.id === id);
    if (!model) return 'unknown';
    this.#checkedAt.set(model.path, clock.now());
    const pause = (): Promise<void> => new Promise((resolve) => void clock.after(pauseMs, resolve));
    let known = false;
    try {
      for (const part of partsOf(model.path)) {
        const record = records.get(part);
        // A record of another file that was at this path says nothing of this one.
        if (record?.sizeBytes !== (await stat(part)).size) continue;
        known = true;
        if (!(await verify(part, record.digest, { signal: this.#stopping.signal, pause }))) {
          await this.#quarantine(model);
          return 'damaged';
        }
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) logger.warn({ model: id, err: error }, 'a model could not be checked');
      return 'unknown';
    }
    return known ? 'sound' : 'unknown';
  }

  async #quarantine(model: CatalogModel): Promise<void> {
    const { catalog, clock, logger } = this.#deps;
    let path: string | null = null;
    try {
      path = await catalog.quarantine(model.id);
    } catch (error) {
      logger.warn({ model: model.id, err: error }, 'a damaged model could not be renamed');
    }
    logger.warn({ model: model.id, path }, 'a stored model is damaged');
    const sentence = `The file of ${model.id} is damaged: its bytes are not those it came with. ${
      path === null ? 'Delete it and pull it again.' : 'It was taken out of the list. Pull it again.'
    }`;
    const { id, origin, path: from } = model;
    const earlier = this.#quarantined.filter((each) => each.from !== from);
    this.#quarantined = [{ id, from, path, origin, atMs: clock.now(), sentence }, ...earlier];
    this.changed.announce();
  }
}
