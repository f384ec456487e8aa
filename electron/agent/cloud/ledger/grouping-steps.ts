import type { DatabaseSync } from 'node:sqlite';
import { boundaryOf, moveBoundary } from './boundaries.ts';
import { GroupBatch, GroupStatements } from './group-sums.ts';
import { hourMs, hourOf } from './quarters.ts';
import { readScopes } from './scope.ts';
import { addStored } from './stored-sums.ts';
import { UsageSum } from './usage-sum.ts';

/** Puts all full hours before that time into the sums by group, each in a transaction of its own. */
export function* groupingSteps(database: DatabaseSync, untilMs: number): Generator<undefined, void> {
  const statements = new GroupStatements(database);
  while (groupNextHour(database, statements, untilMs)) yield;
}

/** False when all of it is grouped. */
function groupNextHour(database: DatabaseSync, statements: GroupStatements, untilMs: number): boolean {
  database.exec('BEGIN IMMEDIATE');
  try {
    const groupedMs = boundaryOf(database, 'groupedBefore');
    const next = database
      .prepare('SELECT min(start_ms) AS start_ms FROM sums WHERE start_ms >= ? AND start_ms < ?')
      .get(groupedMs, untilMs)?.['start_ms'];
    const isMore = typeof next === 'number';
    if (isMore) {
      groupHour(database, statements, hourOf(next));
      moveBoundary(database, 'groupedBefore', hourOf(next) + hourMs);
    } else moveBoundary(database, 'groupedBefore', hourOf(untilMs));
    database.exec('COMMIT');
    return isMore;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function groupHour(database: DatabaseSync, statements: GroupStatements, startMs: number): void {
  const scopes = readScopes(database);
  const batch = new GroupBatch(statements);
  const rows = database.prepare('SELECT * FROM sums WHERE start_ms >= ? AND start_ms < ?');
  for (const row of rows.iterate(startMs, startMs + hourMs)) {
    const scope = scopes.get(Number(row['scope']));
    if (!scope) continue;
    const sum = new UsageSum();
    addStored(sum, row);
    batch.add(Number(row['start_ms']), scope, sum);
  }
  batch.write();
}
