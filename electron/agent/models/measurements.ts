import { renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { MeasuredSpeed } from '../../contract/snapshot.ts';
import type { Clock } from '../base/clock.ts';
import { systemErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

/** Tells a model from any other: by its digest, else by name and size. */
export interface ModelKey {
  readonly digest: string | null;
  readonly id: string;
  readonly sizeBytes: number;
}

/** The speeds of one answer. */
export interface Measurement {
  readonly model: ModelKey;
  readonly quantization: string | null;
  readonly engineId: string;
  /** Tokens of context that the engine had for it; null where it does not tell. */
  readonly contextLength: number | null;
  /** Null where it was not measured, as for an answer of a few tokens or a prompt that was in the cache. */
  readonly tokensPerSecond: number | null;
  readonly prefillTokensPerSecond: number | null;
}

export interface MeasurementsOptions {
  /** Absolute path of measurements.db; its folder must be there. */
  readonly file: string;
}

/** Speeds of which the median is taken. */
const kept = 32;
/** Models with their engines and contexts that are remembered; the one that was not measured the longest goes. */
const mostRows = 2_000;
/** What was measured is written together, off the way of answers. */
const writeAfterMs = 1_000;
const fastest = 1e7;

interface Row {
  readonly model: string;
  readonly engine: string;
  /** See {@link bucketOf}; 0 where it is not known. */
  readonly context: number;
  quantization: string | null;
  decode: number[];
  prefill: number[];
  count: number;
  atMs: number;
  /** What it comes to; null until somebody asks. Every picture of the node asks for every model. */
  speed: MeasuredSpeed | null;
}

/**
 * How fast each model was on this node, and when it was last used: for each model, engine and context the median of the
 * last 32 answers, which one slow answer does not move. Kept over restarts in a small database; reading is from memory.
 */
export class Measurements {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #file: string;
  readonly #database: DatabaseSync | null;
  /** All rows, the one that was measured the longest ago first. */
  readonly #rows = new Map<string, Row>();
  /** The same by model, in the same order. */
  readonly #byModel = new Map<string, Set<Row>>();
  readonly #used = new Map<string, number>();
  readonly #unwritten = new Set<string>();
  readonly #unwrittenUse = new Set<string>();
  #cancelWrite: (() => void) | null = null;

  /** Opens the database; one that is damaged is put aside and begun anew. Without one it remembers until the end. */
  constructor(options: MeasurementsOptions, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#file = options.file;
    this.#database = this.#open();
  }

  record(measurement: Measurement): void {
    const { engineId, quantization } = measurement;
    const model = keyOf(measurement.model);
    const context = bucketOf(measurement.contextLength);
    const key = rowKey(model, engineId, context);
    const decode = usable(measurement.tokensPerSecond);
    const prefill = usable(measurement.prefillTokensPerSecond);
    this.used(measurement.model);
    if (decode === null && prefill === null) return;
    const row = this.#rows.get(key) ?? newRow({ model, engine: engineId, context });
    row.quantization = quantization;
    if (decode !== null) row.decode = [...row.decode, decode].slice(-kept);
    if (prefill !== null) row.prefill = [...row.prefill, prefill].slice(-kept);
    row.count += 1;
    row.atMs = this.#clock.now();
    row.speed = null;
    this.#remove(key);
    this.#add(key, row);
    this.#unwritten.add(key);
    this.#forget();
  }

  /** Notes that a model was used, without a speed. */
  used(model: ModelKey): void {
    const key = keyOf(model);
    this.#used.delete(key);
    this.#used.set(key, this.#clock.now());
    this.#unwrittenUse.add(key);
    this.#forget();
    this.#writeSoon();
  }

  /**
   * The speed of a model; null before the first measurement.
   *
   * @param where The engine and context that are asked for; what was measured with them comes first, then what was
   * measured last.
   */
  speedOf(model: ModelKey, where: { engineId?: string; contextLength?: number } = {}): MeasuredSpeed | null {
    const key = keyOf(model);
    const bucket = where.contextLength === undefined ? null : bucketOf(where.contextLength);
    let best: Row | null = null;
    for (const row of this.#byModel.get(key) ?? []) {
      if (best === null || rank(row, where.engineId, bucket) >= rank(best, where.engineId, bucket)) best = row;
    }
    return best === null ? null : (best.speed ??= speedIn(best));
  }

  /** Milliseconds since the epoch; null when it was never used. */
  lastUsed(model: ModelKey): number | null {
    return this.#used.get(keyOf(model)) ?? null;
  }

  /** Writes what is not written yet. */
  flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    if (this.#database === null || this.#unwritten.size + this.#unwrittenUse.size === 0) return;
    try {
      this.#write(this.#database);
      this.#unwritten.clear();
      this.#unwrittenUse.clear();
    } catch (error) {
      // Kept in memory; the next measurement tries again.
      this.#logger.warn({ file: this.#file, err: error }, 'the measurements could not be written');
    }
  }

  /** Writes what is left and closes the database. */
  close(): void {
    this.flush();
    if (this.#database?.isOpen) this.#database.close();
  }

  /** Puts it last, as the latest one: the first is the one to go. */
  #add(key: string, row: Row): void {
    this.#rows.set(key, row);
    const ofModel = this.#byModel.get(row.model);
    if (ofModel) ofModel.add(row);
    else this.#byModel.set(row.model, new Set([row]));
  }

  #remove(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    const ofModel = this.#byModel.get(row.model);
    ofModel?.delete(row);
    if (ofModel?.size === 0) this.#byModel.delete(row.model);
  }

  #forget(): void {
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > mostRows && oldest !== undefined) {
      this.#remove(oldest);
      this.#unwritten.add(oldest);
    }
    const [unused] = this.#used.keys();
    if (this.#used.size > mostRows && unused !== undefined) {
      this.#used.delete(unused);
      this.#unwrittenUse.add(unused);
    }
  }

  #writeSoon(): void {
    this.#cancelWrite ??= this.#clock.after(writeAfterMs, () => this.flush());
  }

  #write(database: DatabaseSync): void {
    database.exec('BEGIN');
    try {
      const put = database.prepare('INSERT OR REPLACE INTO speeds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
      const drop = database.prepare('DELETE FROM speeds WHERE key = ?');
      for (const key of this.#unwritten) {
        const row = this.#rows.get(key);
        if (row === undefined) drop.run(key);
        else {
          const { model, engine, context, quantization, count, atMs } = row;
          const speeds = [JSON.stringify(row.decode), JSON.stringify(row.prefill)] as const;
          put.run(key, model, engine, context, quantization, ...speeds, count, atMs);
        }
      }
      const use = database.prepare('INSERT OR REPLACE INTO used VALUES (?, ?)');
      const disuse = database.prepare('DELETE FROM used WHERE model = ?');
      for (const model of this.#unwrittenUse) {
        const atMs = this.#used.get(model);
        if (atMs === undefined) disuse.run(model);
        else use.run(model, atMs);
      }
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  #open(): DatabaseSync | null {
    try {
      return this.#read();
    } catch (error) {
      const aside = `.corrupt-${this.#clock.now()}`;
      this.#logger.warn({ file: this.#file, aside, err: error }, 'the measurements are damaged and begun anew');
      for (const ending of ['', '-wal', '-shm']) putAside(`${this.#file}${ending}`, aside);
    }
    try {
      return this.#read();
    } catch (error) {
      this.#logger.warn({ file: this.#file, err: error }, 'measurements are not kept: there is no place for them');
      return null;
    }
  }

  #read(): DatabaseSync {
    const database = new DatabaseSync(this.#file);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 1000;');
      database.exec(schema);
      for (const stored of database.prepare('SELECT * FROM speeds ORDER BY at_ms').all()) {
        this.#add(String(stored['key']), rowFrom(stored));
      }
      for (const stored of database.prepare('SELECT * FROM used ORDER BY at_ms').all()) {
        this.#used.set(String(stored['model']), Number(stored['at_ms']));
      }
      return database;
    } catch (error) {
      this.#rows.clear();
      this.#byModel.clear();
      this.#used.clear();
      database.close();
      throw error;
    }
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS speeds (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, engine TEXT NOT NULL, context INTEGER NOT NULL, quantization TEXT,
    decode TEXT NOT NULL, prefill TEXT NOT NULL, count INTEGER NOT NULL, at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS used (model TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
`;

const keyOf = ({ digest, id, sizeBytes }: ModelKey): string => digest ?? `${id}\n${sizeBytes}`;
const rowKey = (model: string, engine: string, context: number): string => `${model}\n${engine}\n${context}`;

/** Contexts of one power of two are measured together: within it the speed hardly differs. */
function bucketOf(contextLength: number | null): number {
  return contextLength === null || contextLength <= 0 ? 0 : 2 ** Math.ceil(Math.log2(contextLength));
}

const newRow = (key: Pick<Row, 'model' | 'engine' | 'context'>): Row => ({
  ...key,
  quantization: null,
  decode: [],
  prefill: [],
  count: 0,
  atMs: 0,
  speed: null,
});

function usable(speed: number | null): number | null {
  return speed !== null && Number.isFinite(speed) && speed > 0 && speed < fastest ? speed : null;
}

/** How well a row answers a question: the engine counts more than the context. */
function rank(row: Row, engineId: string | undefined, context: number | null): number {
  return (row.engine === engineId ? 2 : 0) + (row.context === context ? 1 : 0);
}

function speedIn(row: Row): MeasuredSpeed {
  return {
    tokensPerSecond: median(row.decode),
    prefillTokensPerSecond: median(row.prefill),
    count: row.count,
    engineId: row.engine,
    contextLength: row.context === 0 ? null : row.context,
  };
}

function median(speeds: readonly number[]): number | null {
  const sorted = [...speeds].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function rowFrom(stored: Record<string, unknown>): Row {
  return {
    model: String(stored['model']),
    engine: String(stored['engine']),
    context: Number(stored['context']),
    quantization: typeof stored['quantization'] === 'string' ? stored['quantization'] : null,
    decode: speedsFrom(stored['decode']),
    prefill: speedsFrom(stored['prefill']),
    count: Number(stored['count']),
    atMs: Number(stored['at_ms']),
    speed: null,
  };
}

function speedsFrom(text: unknown): number[] {
  const list: unknown = JSON.parse(String(text));
  if (!Array.isArray(list)) throw new Error('no list of speeds');
  return list
    .map((each) => usable(Number(each)))
    .filter((each) => each !== null)
    .slice(-kept);
}

function putAside(file: string, ending: string): void {
  try {
    renameSync(file, `${file}${ending}`);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
