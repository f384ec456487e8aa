import type { DatabaseSync } from 'node:sqlite';

/**
 * Times of the ledger that only ever move on, milliseconds since the epoch and full hours. `compactedBefore`: what is
 * older is told by sums alone, whether or not its single rows are gone already. `groupedBefore`: what is older stands in
 * the sums by group too, and what comes late for that time goes there in the transaction that books it.
 */
export type Boundary = 'compactedBefore' | 'groupedBefore';

/** 0 where it was never moved. */
export function boundaryOf(database: DatabaseSync, boundary: Boundary): number {
  const value = database.prepare('SELECT value FROM state WHERE name = ?').get(boundary)?.['value'];
  return typeof value === 'string' ? Number(value) : 0;
}

/** Never back. */
export function moveBoundary(database: DatabaseSync, boundary: Boundary, toMs: number): void {
  if (toMs <= boundaryOf(database, boundary)) return;
  database
    .prepare('INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
    .run(boundary, String(toMs));
}
