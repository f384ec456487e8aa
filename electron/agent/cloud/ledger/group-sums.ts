import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { usageGroups, type UsageGroup } from '../../../contract/cloud.ts';
import { boundaryOf } from './boundaries.ts';
import { dayMs, hourMs, quarterMs } from './quarters.ts';
import type { Scope } from './scope.ts';
import { storedColumns, storedMarks, storedUpdate, storedValues } from './stored-sums.ts';
import { UsageSum } from './usage-sum.ts';

/** What usage is asked by, apart from time. Time itself is asked of the sums by route. */
export type Dimension = Exclude<UsageGroup, 'hour' | 'day'>;

const dimensions: readonly Dimension[] = usageGroups.filter((by) => by !== 'hour' && by !== 'day');

const longSpans: readonly number[] = [hourMs, dayMs];
/** Hours of zones that are half an hour off begin within an hour of UTC. */
const routeSpans: readonly number[] = [quarterMs, hourMs, dayMs];

/**
 * Which spans there are sums of. What is older than single rows are kept is asked by the hour and the day only, and by
 * names hardly ever: `sums` have the rest of it.
 */
function spansOf(dimension: Dimension, isOld: boolean): readonly number[] {
  if (isOld) return dimension === 'route' ? longSpans : [dayMs];
  return dimension === 'route' ? routeSpans : longSpans;
}

/** What goes when it gets old, as {@link spansOf} has it. */
export const youngSpans: readonly { readonly dimension: Dimension; readonly spanMs: number }[] = dimensions.flatMap(
  (dimension) =>
    spansOf(dimension, false)
      .filter((spanMs) => !spansOf(dimension, true).includes(spanMs))
      .map((spanMs) => ({ dimension, spanMs })),
);

interface PendingGroup {
  readonly dimension: Dimension;
  readonly spanMs: number;
  readonly startMs: number;
  readonly name: string;
  readonly route: string;
  readonly sum: UsageSum;
}

/** What one transaction adds to the sums by group: gathered first, written at its end. */
export class GroupBatch {
  readonly #statements: GroupStatements;
  readonly #compactedMs: number;
  readonly #pending = new Map<string, PendingGroup>();

  constructor(statements: GroupStatements) {
    this.#statements = statements;
    this.#compactedMs = statements.compactedBefore();
  }

  add(atMs: number, scope: Scope, sum: UsageSum): void {
    const isOld = atMs < this.#compactedMs;
    for (const dimension of dimensions) {
      for (const spanMs of spansOf(dimension, isOld)) {
        this.#of(dimension, spanMs, Math.floor(atMs / spanMs) * spanMs, scope).addSum(sum);
      }
    }
  }

  /** Inside of the transaction. */
  write(): void {
    for (const pending of this.#pending.values()) this.#statements.add(pending);
  }

  #of(dimension: Dimension, spanMs: number, startMs: number, scope: Scope): UsageSum {
    const { route } = scope;
    const name = scope[dimension];
    const id = [dimension, spanMs, startMs, name, route].join('\u0000');
    const held = this.#pending.get(id);
    if (held) return held.sum;
    const sum = new UsageSum();
    this.#pending.set(id, { dimension, spanMs, startMs, name, route, sum });
    return sum;
  }
}

/** The statements that sums by group are written with, prepared once. */
export class GroupStatements {
  readonly #database: DatabaseSync;
  readonly #held: StatementSync;
  readonly #upsert: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const key = 'dimension = ? AND span_ms = ? AND start_ms = ? AND name = ? AND route = ?';
    this.#held = database.prepare(`SELECT ttft, speed FROM group_sums WHERE ${key}`);
    this.#upsert = database.prepare(
      `INSERT INTO group_sums (dimension, span_ms, start_ms, name, route, ${storedColumns})
       VALUES (?, ?, ?, ?, ?, ${storedMarks})
       ON CONFLICT (dimension, span_ms, start_ms, name, route) DO UPDATE SET ${storedUpdate}`,
    );
  }

  compactedBefore(): number {
    return boundaryOf(this.#database, 'compactedBefore');
  }

  add({ dimension, spanMs, startMs, name, route, sum }: PendingGroup): void {
    const held = this.#held.get(dimension, spanMs, startMs, name, route);
    this.#upsert.run(dimension, spanMs, startMs, name, route, ...storedValues(sum, held));
  }
}
