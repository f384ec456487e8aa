import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../agent/base/errors.ts';

/** A held lock on a data folder. */
export interface OwnerLock {
  release(): void;
}

/**
 * Makes this process the only owner of `dataDir`. The lock is an exclusive transaction on a small SQLite file: the
 * operating system drops it with the process, however that ends, so a kill -9 leaves nothing to clean up.
 *
 * @throws AppError `data_folder_in_use` when another agent holds it.
 */
export function acquireOwnerLock(dataDir: string): OwnerLock {
  const database = new DatabaseSync(join(dataDir, 'owner.lock'));
  try {
    // No wait: a second agent has to leave with a message at once.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
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
