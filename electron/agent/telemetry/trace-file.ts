import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { traceSchema, type Trace } from '../../contract/trace.ts';

/** Which decisions are asked for; all that is given must fit. */
export interface TraceFilter {
  /** Name of the key. */
  readonly key?: string | undefined;
  /** As the caller named it, or as it was answered by. */
  readonly model?: string | undefined;
  readonly route?: Trace['route'] | undefined;
  readonly state?: Trace['state'] | undefined;
  readonly dialect?: Trace['dialect'] | undefined;
  readonly session?: string | undefined;
}

/** Form of the file; one of another form is emptied, for decisions are of no use to a later version. */
const fileVersion = 1;

/** The index holds all that is filtered by, so that counting reads no decision. */
const schema = `
  CREATE TABLE IF NOT EXISTS traces (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, trace TEXT NOT NULL UNIQUE, key TEXT, model TEXT, requested TEXT NOT NULL,
    route TEXT NOT NULL, state TEXT NOT NULL, dialect TEXT NOT NULL, session TEXT, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS traces_by ON traces (seq, key, model, requested, route, state, dialect, session);
`;

/** `traces.db`: the latest decisions of the gateway. */
export class TraceFile {
  readonly #database: DatabaseSync;
  /** Made once: preparing them costs more than they do. */
  readonly #writing: Readonly<Record<'begin' | 'put' | 'forget' | 'commit', StatementSync>>;

  /** Opens or makes it. Throws when it is damaged or there is no place for it. */
  constructor(file: string) {
    // Made first, so that nobody else may ever read it.
    closeSync(openSync(file, 'a', 0o600));
    const database = new DatabaseSync(file);
    try {
      // Synchronous OFF: a kill loses nothing that was written. A power cut may damage the file, and then it is begun
      // anew; waiting for the disk would hold up the answers that run.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 1000;');
      const [found] = database.prepare('PRAGMA user_version').all();
      if (Number(found?.['user_version']) !== fileVersion) database.exec('DROP TABLE IF EXISTS traces;');
      database.exec(`${schema} PRAGMA user_version = ${fileVersion};`);
      // A page that is damaged shows here rather than at a question.
      const [check] = database.prepare('PRAGMA quick_check(1)').all();
      if (check?.['quick_check'] !== 'ok') throw new Error(String(check?.['quick_check']));
      this.#writing = {
        begin: database.prepare('BEGIN'),
        put: database.prepare(
          `INSERT OR REPLACE INTO traces (trace, key, model, requested, route, state, dialect, session, body)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ),
        forget: database.prepare('DELETE FROM traces WHERE seq <= (SELECT max(seq) FROM traces) - ?'),
        commit: database.prepare('COMMIT'),
      };
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
  }

  /**
   * Adds decisions, all or none, and forgets all but the latest `kept`.
   *
   * @returns how many were left out because they are none by the contract
   */
  add(traces: readonly Trace[], kept: number): number {
    // Only what the contract knows: whatever else may hang on the object stays out of the file.
    const sound = traces.flatMap((trace) => traceSchema.safeParse(trace).data ?? []);
    const { begin, put, forget, commit } = this.#writing;
    begin.run();
    try {
      for (const trace of sound) {
        const { key, model, requestedModel, route, state, dialect, session } = trace;
        put.run(trace.trace, key, model, requestedModel, route, state, dialect, session, JSON.stringify(trace));
      }
      forget.run(kept);
      commit.run();
      return traces.length - sound.length;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Those whose id begins with the text, the latest first, two at most. */
  beginning(text: string): Trace[] {
    const escaped = text.replaceAll(/[*?[]/g, '[$&]');
    const query = 'SELECT body FROM traces WHERE trace GLOB ? ORDER BY seq DESC LIMIT 2';
    return this.#traces(query, [`${escaped}*`]);
  }

  /** The latest first; with `before`, those that are older than it (none when it is not known). */
  list(filter: TraceFilter, limit: number, before: string | undefined): Trace[] {
    const { where, values } = conditions(filter);
    const older = before === undefined ? '' : 'AND seq < (SELECT seq FROM traces WHERE trace = ?)';
    const query = `SELECT body FROM traces WHERE ${where} ${older} ORDER BY seq DESC LIMIT ?`;
    return this.#traces(query, [...values, ...(before === undefined ? [] : [before]), limit]);
  }

  /** How many fit, whatever their age. */
  count(filter: TraceFilter): number {
    const { where, values } = conditions(filter);
    const [row] = this.#database.prepare(`SELECT count(*) AS total FROM traces WHERE ${where}`).all(...values);
    return Number(row?.['total'] ?? 0);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #traces(query: string, values: readonly SQLInputValue[]): Trace[] {
    return this.#database
      .prepare(query)
      .all(...values)
      .map((row) => traceSchema.parse(JSON.parse(String(row['body']))));
  }
}

function conditions({ model, ...plain }: TraceFilter): { readonly where: string; readonly values: string[] } {
  const given = Object.entries(plain).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const parts = given.map(([name]) => `${name} = ?`);
  const values = given.map(([, value]) => value);
  if (model !== undefined) {
    parts.push('(model = ? OR requested = ?)');
    values.push(model, model);
  }
  return { where: parts.length === 0 ? '1' : parts.join(' AND '), values };
}
