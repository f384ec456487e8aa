import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keyScopes, policySchema, type KeyRow } from '../../../contract/keys.ts';

/** A key as it is kept: never the key itself. */
export interface StoredKey extends KeyRow {
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Buffer;
}

/** Form of `keys.db`; a file of a later one is left alone. */
const fileVersion = 1;

const schema = `
  CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, prefix TEXT NOT NULL, scope TEXT NOT NULL, policy TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE, created_at TEXT NOT NULL, last_used_at TEXT, last_used_from TEXT, revoked_at TEXT,
    requests_total INTEGER NOT NULL, tokens_total INTEGER NOT NULL
  ) STRICT;
  PRAGMA user_version = ${fileVersion};
`;

/** A file of a later version of the program: nothing is wrong with it, and it must not be replaced. */
export class LaterKeyFile extends Error {
  override readonly name = 'LaterKeyFile';
}

/**
 * `keys.db`. It is there from the first key on, and from then on it must hold what it should: a file that is empty, cut
 * short or has no table of keys is damaged, and is never taken for one without keys.
 */
export class KeyFile {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Begins an empty file. It appears under its name only when it is whole, so that a crash leaves none or all of it. */
  static create(file: string): KeyFile {
    const temporary = `${file}.new`;
    rmSync(temporary, { force: true });
    closeSync(openSync(temporary, 'wx', 0o600));
    const database = new DatabaseSync(temporary);
    try {
      database.exec(schema);
    } finally {
      database.close();
    }
    renameSync(temporary, file);
    syncFolder(dirname(file));
    return new KeyFile(open(file));
  }

  /**
   * Opens the file and reads all keys.
   *
   * @returns null when there is none
   * @throws LaterKeyFile, or any error when it is damaged or cannot be used
   */
  static read(file: string): { readonly file: KeyFile; readonly keys: StoredKey[] } | null {
    if (!existsSync(file)) return null;
    // SQLite would make a new database of it.
    if (statSync(file).size === 0) throw new Error('it is empty');
    const database = open(file);
    try {
      const [found] = database.prepare('PRAGMA user_version').all();
      const version = Number(found?.['user_version']);
      if (version > fileVersion) throw new LaterKeyFile(`form ${version}`);
      const [check] = database.prepare('PRAGMA integrity_check(1)').all();
      if (check?.['integrity_check'] !== 'ok') throw new Error(`integrity: ${String(check?.['integrity_check'])}`);
      if (version !== fileVersion) throw new Error('it holds no keys of this program');
      const keys = database.prepare('SELECT * FROM keys ORDER BY created_at, rowid').all().map(keyFrom);
      return { file: new KeyFile(database), keys };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  add(key: StoredKey): void {
    this.#database
      .prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        key.id,
        key.name,
        key.prefix,
        key.scope,
        JSON.stringify(key.policy),
        key.hash,
        key.createdAt,
        key.lastUsedAt,
        key.lastUsedFrom,
        key.revokedAt,
        key.requestsTotal,
        key.tokensTotal,
      );
  }

  /** Writes what can change of these keys, all or nothing. */
  update(keys: Iterable<StoredKey>): void {
    this.#database.exec('BEGIN');
    try {
      const put = this.#database.prepare(
        `UPDATE keys SET policy = ?, last_used_at = ?, last_used_from = ?, revoked_at = ?, requests_total = ?,
         tokens_total = ? WHERE id = ?`,
      );
      for (const key of keys) {
        const { policy, lastUsedAt, lastUsedFrom, revokedAt, requestsTotal, tokensTotal, id } = key;
        put.run(JSON.stringify(policy), lastUsedAt, lastUsedFrom, revokedAt, requestsTotal, tokensTotal, id);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  remove(id: string): void {
    this.#database.prepare('DELETE FROM keys WHERE id = ?').run(id);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function open(file: string): DatabaseSync {
  // Also for one that was copied here from a backup. SQLite gives its log the permissions of the file.
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  try {
    // FULL: a key that was shown, or revoked, stays so through a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000;');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function keyFrom(row: Record<string, unknown>): StoredKey {
  const hash = row['hash'];
  if (!(hash instanceof Uint8Array) || hash.length !== 32) throw new Error('a key has no hash');
  const scope = keyScopes.find((each) => each === row['scope']);
  if (scope === undefined) throw new Error('a key has an unknown scope');
  return {
    id: String(row['id']),
    name: String(row['name']),
    prefix: String(row['prefix']),
    scope,
    policy: policySchema.parse(JSON.parse(String(row['policy']))),
    hash: Buffer.from(hash),
    createdAt: String(row['created_at']),
    lastUsedAt: textOrNull(row['last_used_at']),
    lastUsedFrom: textOrNull(row['last_used_from']),
    revokedAt: textOrNull(row['revoked_at']),
    requestsTotal: Number(row['requests_total']),
    tokensTotal: Number(row['tokens_total']),
  };
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Makes a rename last through a power cut; Windows has no such thing and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
