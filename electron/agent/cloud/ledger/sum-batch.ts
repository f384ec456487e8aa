import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ChargeScope, Nanodollars } from '../ledger-port.ts';
import { boundaryOf } from './boundaries.ts';
import { GroupBatch, GroupStatements } from './group-sums.ts';
import { quarterOf } from './quarters.ts';
import { scopeText, type Scope } from './scope.ts';
import { storedColumns, storedMarks, storedUpdate, storedValues } from './stored-sums.ts';
import { UsageSum } from './usage-sum.ts';

interface PendingSum {
  readonly startMs: number;
  readonly scope: Scope;
  readonly sum: UsageSum;
}

interface PendingSpent extends ChargeScope {
  readonly quarterMs: number;
  cost: Nanodollars;
  tokens: number;
}

const mostScopeIds = 5_000;

/**
 * What the entries of one transaction add to the sums. Gathered first and written at its end, so that a thousand requests
 * of the same quarter of an hour change a row once.
 */
export class SumBatch {
  readonly #statements: SumStatements;
  readonly #sums = new Map<string, PendingSum>();
  readonly #spent = new Map<string, PendingSpent>();

  constructor(statements: SumStatements) {
    this.#statements = statements;
  }

  /** The sum to add to. */
  of(atMs: number, scope: Scope): UsageSum {
    const startMs = quarterOf(atMs);
    const name = `${startMs} ${scopeText(scope)}`;
    const held = this.#sums.get(name);
    if (held) return held.sum;
    const sum = new UsageSum();
    this.#sums.set(name, { startMs, scope, sum });
    return sum;
  }

  spend(atMs: number, { provider, model, caller, key, persona }: ChargeScope, cost: number, tokens: number): void {
    const quarterMs = quarterOf(atMs);
    const name = [quarterMs, provider, model, caller, key ?? '', persona ?? ''].join('\u0000');
    const held = this.#spent.get(name);
    if (held) {
      held.cost += cost;
      held.tokens += tokens;
    } else this.#spent.set(name, { quarterMs, provider, model, caller, key, persona, cost, tokens });
  }

  /** Inside of the transaction. */
  write(): void {
    this.#writeLate();
    for (const { startMs, scope, sum } of this.#sums.values()) {
      this.#statements.addTo(startMs, this.#statements.scopeId(scope), sum, false);
    }
    for (const spent of this.#spent.values()) this.#statements.spend(spent);
  }

  /** What belongs to a time that is grouped already: an answer that took long, or a reservation that is booked at last. */
  #writeLate(): void {
    if (this.#sums.size === 0) return;
    const groupedMs = this.#statements.groupedBefore();
    const late = [...this.#sums.values()].filter(({ startMs }) => startMs < groupedMs);
    if (late.length === 0) return;
    const batch = new GroupBatch(this.#statements.groups);
    for (const { startMs, scope, sum } of late) batch.add(startMs, scope, sum);
    batch.write();
  }
}

/** The statements that sums are written with, prepared once. */
export class SumStatements {
  readonly groups: GroupStatements;
  readonly #database: DatabaseSync;
  readonly #findScope: StatementSync;
  readonly #insertScope: StatementSync;
  readonly #speeds: StatementSync;
  readonly #upsert: StatementSync;
  readonly #spend: StatementSync;
  readonly #scopeIds = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.groups = new GroupStatements(database);
    this.#findScope = database.prepare(
      `SELECT id FROM scopes
       WHERE node = ? AND route = ? AND provider = ? AND model = ? AND key = ? AND persona = ?`,
    );
    this.#insertScope = database.prepare(
      'INSERT INTO scopes (node, route, provider, model, key, persona) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#speeds = database.prepare('SELECT ttft, speed FROM sums WHERE start_ms = ? AND scope = ?');
    this.#upsert = database.prepare(
      `INSERT INTO sums (start_ms, scope, compacted, ${storedColumns}) VALUES (?, ?, ?, ${storedMarks})
       ON CONFLICT (start_ms, scope) DO UPDATE SET compacted = max(compacted, excluded.compacted), ${storedUpdate}`,
    );
    this.#spend = database.prepare(
      `INSERT INTO spent (quarter_ms, provider, model, caller, key, persona, cost, tokens)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET cost = cost + excluded.cost, tokens = tokens + excluded.tokens`,
    );
  }

  /** What is known of scopes may have been undone with a transaction. */
  forget(): void {
    this.#scopeIds.clear();
  }

  scopeId(scope: Scope): number {
    const name = scopeText(scope);
    const known = this.#scopeIds.get(name);
    if (known !== undefined) return known;
    const { node, route, provider, model, key, persona } = scope;
    const found = this.#findScope.get(node, route, provider, model, key, persona)?.['id'];
    const id =
      typeof found === 'number'
        ? found
        : Number(this.#insertScope.run(node, route, provider, model, key, persona).lastInsertRowid);
    if (this.#scopeIds.size >= mostScopeIds) this.#scopeIds.clear();
    this.#scopeIds.set(name, id);
    return id;
  }

  groupedBefore(): number {
    return boundaryOf(this.#database, 'groupedBefore');
  }

  addTo(startMs: number, scopeId: number, sum: UsageSum, compacted: boolean): void {
    const held = this.#speeds.get(startMs, scopeId);
    this.#upsert.run(startMs, scopeId, compacted ? 1 : 0, ...storedValues(sum, held));
  }

  spend({ quarterMs, provider, model, caller, key, persona, cost, tokens }: PendingSpent): void {
    this.#spend.run(quarterMs, provider, model, caller, key ?? '', persona ?? '', cost, tokens);
  }
}
