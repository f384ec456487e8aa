import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Longest wait for another process that does the same work. */
const longestWaitMs = 60 * 60 * 1000;

/**
 * Runs the work while no other process holds the same lock file. The lock is SQLite's, because the system frees it
 * when its owner dies, however it dies. `onWait` is called once if another process holds it.
 */
export async function exclusively<T>(lockFile: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(lockFile), { recursive: true });
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    try {
      database.exec('BEGIN EXCLUSIVE');
    } catch {
      onWait();
      database.exec(`PRAGMA busy_timeout = ${longestWaitMs}`);
      database.exec('BEGIN EXCLUSIVE');
    }
    return await work();
  } finally {
    database.close();
  }
}
