import type { DatabaseSync } from 'node:sqlite';
import type { UsageAnswer } from '../../../contract/cloud.ts';
import { boundaryOf } from './boundaries.ts';
import type { Dimension } from './group-sums.ts';
import type { UsageQuery } from './messages.ts';
import { dayMs, quarterMs, quarterOf } from './quarters.ts';
import { readScopes, type Scope } from './scope.ts';
import { storedColumns } from './stored-sums.ts';
import { groupingBy, isWholeHour, type Grouping } from './usage-grouping.ts';
import { piecesByName, piecesByTime, type Extent, type Piece } from './usage-pieces.ts';
import { UsageTally } from './usage-tally.ts';

/** Rows between two looks at whether something else is to be done. */
const rowsAStep = 50;

/**
 * Sums up a time range. Whole quarters of an hour come from the sums, as long ones as there are; what is left at both ends
 * comes from the single rows. A generator: it pauses after each few dozen rows, and sees the same state of the database to
 * its end. `node` is this node's name, under which charges are.
 */
export function* usageSteps(
  database: DatabaseSync,
  query: UsageQuery,
  node: string,
): Generator<undefined, UsageAnswer> {
  const { sinceMs, untilMs, by, timeZone } = query;
  const grouping = groupingBy(by, timeZone);
  const tally = new UsageTally(grouping);
  const firstMs = Math.min(quarterOf(sinceMs + quarterMs - 1), untilMs);
  const lastMs = Math.max(quarterOf(untilMs), firstMs);
  database.exec('BEGIN');
  try {
    const compactedMs = boundaryOf(database, 'compactedBefore');
    const extent = { firstMs, lastMs, compactedMs, groupedMs: boundaryOf(database, 'groupedBefore') };
    const scopes = readScopes(database);
    const isKept = (fromMs: number, toMs: number): boolean => toMs > fromMs && fromMs >= compactedMs;
    // In the order of time: groups by time are over when the next one begins.
    if (isKept(sinceMs, firstMs)) yield* edge(database, tally, { fromMs: sinceMs, toMs: firstMs, node });
    for (const piece of piecesOf(database, grouping, extent)) {
      if (piece.spanMs === null) yield* addSums(database, tally, piece, scopes);
      else yield* addGroups(database, tally, piece, grouping.kind === 'name' ? grouping.by : 'route');
    }
    if (isKept(lastMs, untilMs)) yield* edge(database, tally, { fromMs: lastMs, toMs: untilMs, node });
  } finally {
    database.exec('ROLLBACK');
  }
  return tally.answer(query);
}

function piecesOf(database: DatabaseSync, grouping: Grouping, extent: Extent): readonly Piece[] {
  if (grouping.kind === 'name') return piecesByName(extent);
  const days = database
    .prepare(
      `SELECT DISTINCT start_ms FROM group_sums
       WHERE dimension = 'route' AND span_ms = ? AND start_ms > ? AND start_ms < ? ORDER BY start_ms`,
    )
    .all(dayMs, extent.firstMs - dayMs, extent.lastMs)
    .map((row) => Number(row['start_ms']));
  return piecesByTime(extent, days, (hourStartMs) => isWholeHour(grouping.startOf, hourStartMs));
}

function* addSums(
  database: DatabaseSync,
  tally: UsageTally,
  { fromMs, toMs }: Piece,
  scopes: ReadonlyMap<number, Scope>,
): Generator<undefined> {
  let count = 0;
  const rows = database.prepare('SELECT * FROM sums WHERE start_ms >= ? AND start_ms < ? ORDER BY start_ms');
  for (const row of rows.iterate(fromMs, toMs)) {
    const scope = scopes.get(Number(row['scope']));
    if (scope) tally.addSum(row, scope);
    if (++count % rowsAStep === 0) yield;
  }
}

function* addGroups(
  database: DatabaseSync,
  tally: UsageTally,
  { spanMs, fromMs, toMs }: Piece,
  dimension: Dimension,
): Generator<undefined> {
  let count = 0;
  const rows = database.prepare(
    `SELECT start_ms, name, route, ${storedColumns} FROM group_sums
     WHERE dimension = ? AND span_ms = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms`,
  );
  for (const row of rows.iterate(dimension, spanMs, fromMs, toMs)) {
    tally.addGroup(row);
    if (++count % rowsAStep === 0) yield;
  }
}

function* edge(
  database: DatabaseSync,
  tally: UsageTally,
  { fromMs, toMs, node }: { readonly fromMs: number; readonly toMs: number; readonly node: string },
): Generator<undefined> {
  let count = 0;
  const requests = database.prepare('SELECT * FROM requests WHERE at_ms >= ? AND at_ms < ?');
  for (const row of requests.iterate(fromMs, toMs)) {
    tally.addRequest(row);
    if (++count % rowsAStep === 0) yield;
  }
  const charges = database.prepare("SELECT * FROM charges WHERE at_ms >= ? AND at_ms < ? AND state = 'settled'");
  for (const row of charges.iterate(fromMs, toMs)) {
    tally.addCharge(row, node);
    if (++count % rowsAStep === 0) yield;
  }
}
