import type { DatabaseSync } from 'node:sqlite';
import type { Compacted } from './messages.ts';
import { dayMs, hourMs, hourOf } from './quarters.ts';
import { asBytes, SumStatements } from './sum-batch.ts';
import { UsageSum } from './usage-sum.ts';

const rowsAStep = 500;
/** A month, the day before it, and as much again: no budget looks further back. */
const keepSpentDays = 62;

/**
 * Puts what is older than `keepRowsDays` together: single requests and charges go, and the sums of each quarter of an hour
 * become one of their hour. Small transactions, with a pause after each; where it is broken off, the next one goes on.
 */
export function* compactionSteps(
  database: DatabaseSync,
  { nowMs, keepRowsDays }: { readonly nowMs: number; readonly keepRowsDays: number },
): Generator<undefined, Compacted> {
  const beforeMs = hourOf(nowMs - keepRowsDays * dayMs);
  let rows = 0;
  let sums = 0;
  const deletions = [
    `DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ${rowsAStep})`,
    `DELETE FROM charges WHERE number IN (
       SELECT number FROM charges WHERE at_ms < ? AND state <> 'reserved' ORDER BY at_ms LIMIT ${rowsAStep})`,
  ];
  // Said first: from now on the sums alone speak for what is older, whether or not its single rows are gone already.
  moveBoundary(database, beforeMs);
  for (;;) {
    const merged = mergeOldestHour(database, beforeMs);
    if (merged === 0) break;
    sums += merged;
    yield;
  }
  for (const deletion of deletions) {
    const statement = database.prepare(deletion);
    for (;;) {
      const changes = Number(statement.run(beforeMs).changes);
      if (changes === 0) break;
      rows += changes;
      yield;
    }
  }
  database.prepare('DELETE FROM spent WHERE quarter_ms < ?').run(nowMs - keepSpentDays * dayMs);
  if (rows > 0) {
    for (let step = 0; step < 1_000 && freePages(database) > 0; step += 1) {
      database.exec('PRAGMA incremental_vacuum(256)');
      yield;
    }
  }
  return { rows, sums };
}

const boundaryName = 'compactedBefore';

/** What is older is told by sums alone; milliseconds since the epoch. */
export function compactedBefore(database: DatabaseSync): number {
  const value = database.prepare('SELECT value FROM state WHERE name = ?').get(boundaryName)?.['value'];
  return typeof value === 'string' ? Number(value) : 0;
}

function moveBoundary(database: DatabaseSync, beforeMs: number): void {
  if (beforeMs <= compactedBefore(database)) return;
  database
    .prepare('INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
    .run(boundaryName, String(beforeMs));
}

/** The quarters of the oldest hour that still has some, in one transaction. Answers with how many there were. */
function mergeOldestHour(database: DatabaseSync, beforeMs: number): number {
  const oldest = database
    .prepare('SELECT min(start_ms) AS start_ms FROM sums WHERE compacted = 0 AND start_ms < ?')
    .get(beforeMs)?.['start_ms'];
  if (typeof oldest !== 'number') return 0;
  const startMs = hourOf(oldest);
  database.exec('BEGIN IMMEDIATE');
  try {
    const rows = database
      .prepare('SELECT * FROM sums WHERE start_ms >= ? AND start_ms < ?')
      .all(startMs, startMs + hourMs);
    database.prepare('DELETE FROM sums WHERE start_ms >= ? AND start_ms < ?').run(startMs, startMs + hourMs);
    const statements = new SumStatements(database);
    const merged = new Map<number, UsageSum>();
    for (const row of rows) {
      const scope = Number(row['scope']);
      const sum = merged.get(scope) ?? new UsageSum();
      merged.set(scope, sum);
      sum.add(countsOf(row));
      sum.ttft.addEncoded(asBytes(row['ttft']));
      sum.speed.addEncoded(asBytes(row['speed']));
    }
    for (const [scope, sum] of merged) statements.addTo(startMs, scope, sum, true);
    database.exec('COMMIT');
    return rows.filter((row) => row['compacted'] === 0).length;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function countsOf(row: Readonly<Record<string, unknown>>) {
  return {
    requests: Number(row['requests']),
    failed: Number(row['failed']),
    inputTokens: Number(row['input_tokens']),
    cachedTokens: Number(row['cached_tokens']),
    cacheWriteTokens: Number(row['cache_write_tokens']),
    outputTokens: Number(row['output_tokens']),
    cost: Number(row['cost']),
    estimated: Number(row['estimated']),
    kept: Number(row['kept']),
  };
}

function freePages(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA freelist_count').get()?.['freelist_count'] ?? 0);
}
