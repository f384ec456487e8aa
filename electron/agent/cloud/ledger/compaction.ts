import type { DatabaseSync } from 'node:sqlite';
import { moveBoundary } from './boundaries.ts';
import { youngSpans } from './group-sums.ts';
import { groupingSteps } from './grouping-steps.ts';
import type { Compacted } from './messages.ts';
import { dayMs, hourMs, hourOf, quarterMs } from './quarters.ts';
import { addStored } from './stored-sums.ts';
import { SumStatements } from './sum-batch.ts';
import { UsageSum } from './usage-sum.ts';

const rowsAStep = 500;
/** Requests are filed under their start: most are over by then. */
const lateMs = quarterMs;
/** A month, the day before it, and as much again: no budget looks further back. */
const keepSpentDays = 62;

/**
 * Puts hours that are over into the sums by group, and what is older than `keepRowsDays` together: single requests and
 * charges go, and the sums of each quarter of an hour become one of their hour. Small transactions, with a pause after
 * each; where it is broken off, the next one goes on.
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
  yield* groupingSteps(database, Math.max(beforeMs, hourOf(nowMs - lateMs)));
  // Said first: from now on the sums alone speak for what is older, whether or not its single rows are gone already.
  moveBoundary(database, 'compactedBefore', beforeMs);
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
  yield* dropOldGroups(database, beforeMs);
  database.prepare('DELETE FROM spent WHERE quarter_ms < ?').run(nowMs - keepSpentDays * dayMs);
  if (rows > 0) {
    for (let step = 0; step < 1_000 && freePages(database) > 0; step += 1) {
      database.exec('PRAGMA incremental_vacuum(256)');
      yield;
    }
  }
  return { rows, sums };
}

/** Sums by group that nobody asks for by so short a span any more, a day of them at a time. */
function* dropOldGroups(database: DatabaseSync, beforeMs: number): Generator<undefined> {
  for (const { dimension, spanMs } of youngSpans) {
    const where = 'dimension = ? AND span_ms = ?';
    const oldest = database.prepare(`SELECT min(start_ms) AS start_ms FROM group_sums WHERE ${where}`);
    const drop = database.prepare(`DELETE FROM group_sums WHERE ${where} AND start_ms < ?`);
    for (;;) {
      const startMs = oldest.get(dimension, spanMs)?.['start_ms'];
      if (typeof startMs !== 'number' || startMs >= beforeMs) break;
      drop.run(dimension, spanMs, Math.min(beforeMs, startMs + dayMs));
      yield;
    }
  }
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
      addStored(sum, row);
    }
    for (const [scope, sum] of merged) statements.addTo(startMs, scope, sum, true);
    database.exec('COMMIT');
    return rows.filter((row) => row['compacted'] === 0).length;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function freePages(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA freelist_count').get()?.['freelist_count'] ?? 0);
}
