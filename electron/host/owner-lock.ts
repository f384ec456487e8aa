import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../agent/base/errors.ts';

/** A held lock on a data folder. */
export interface OwnerLock {
  release(): void;
}

/** SQLite's own number for a file that another process has locked. */
const sqliteBusy = 5;

/**
 * Makes this process the only owner of `dataDir`. The lock is an exclusive transaction on a small SQLite file: the
 * operating system drops it with the process, however that ends, so a kill -9 leaves nothing to clean up.
 *
 * @throws AppError `data_folder_in_use` when another agent holds it, `data_folder_unusable` when the file cannot be used.
 */
export function acquireOwnerLock(dataDir: string): OwnerLock {
  const path = join(dataDir, 'owner.lock');
  const database = openDatabase(path);
  try {
    // Of two that come at the same moment each may stand in the other's way: a short wait lets one of them have it. A
    // second agent still leaves with its message at once, as people see it.
    database.exec('PRAGMA busy_timeout = 250; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    if (sqliteCode(error) !== sqliteBusy) throw unusable(path, error);
    throw new AppError(
      'data_folder_in_use',
      `Another agent already owns ${dataDir}. Use that one (ranch-hand status), or start this one with its own folder: --data-dir DIR.`,
      { cause: error, context: { dataDir } },
    );
  }
  return {
    release() {
      database.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError(
    'data_folder_unusable',
    `${path} cannot be used (${why}). Move it away if it is not Ranch Hand's, or name another data folder: --data-dir DIR.`,
    { cause: error },
  );
}

/** The primary result code: the lower byte of what SQLite reports. */
function sqliteCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}
