import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ChargeScope, Nanodollars } from '../ledger-port.ts';
import { quarterOf } from './quarters.ts';
import { scopeText, type Scope } from './scope.ts';
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
    for (const { startMs, scope, sum } of this.#sums.values()) {
      this.#statements.addTo(startMs, this.#statements.scopeId(scope), sum, false);
    }
    for (const spent of this.#spent.values()) this.#statements.spend(spent);
  }
}

/** The statements that sums are written with, prepared once. */
export class SumStatements {
  readonly #findScope: StatementSync;
  readonly #insertScope: StatementSync;
  readonly #speeds: StatementSync;
  readonly #upsert: StatementSync;
  readonly #spend: StatementSync;
  readonly #scopeIds = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#findScope = database.prepare(
      `SELECT id FROM scopes
       WHERE node = ? AND route = ? AND provider = ? AND model = ? AND key = ? AND persona = ?`,
    );
    this.#insertScope = database.prepare(
      'INSERT INTO scopes (node, route, provider, model, key, persona) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#speeds = database.prepare('SELECT ttft, speed FROM sums WHERE start_ms = ? AND scope = ?');
    this.#upsert = database.prepare(
      `INSERT INTO sums (start_ms, scope, compacted, requests, failed, input_tokens, cached_tokens, cache_write_tokens,
         output_tokens, cost, estimated, kept, ttft, speed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (start_ms, scope) DO UPDATE SET
         compacted = max(compacted, excluded.compacted),
         requests = requests + excluded.requests, failed = failed + excluded.failed,
         input_tokens = input_tokens + excluded.input_tokens, cached_tokens = cached_tokens + excluded.cached_tokens,
         cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
         output_tokens = output_tokens + excluded.output_tokens,
         cost = cost + excluded.cost, estimated = estimated + excluded.estimated, kept = kept + excluded.kept,
         ttft = excluded.ttft, speed = excluded.speed`,
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

  addTo(startMs: number, scopeId: number, sum: UsageSum, compacted: boolean): void {
    const held = this.#speeds.get(startMs, scopeId);
    sum.ttft.addEncoded(asBytes(held?.['ttft']));
    sum.speed.addEncoded(asBytes(held?.['speed']));
    const { counts } = sum;
    this.#upsert.run(
      startMs,
      scopeId,
      compacted ? 1 : 0,
      counts.requests,
      counts.failed,
      counts.inputTokens,
      counts.cachedTokens,
      counts.cacheWriteTokens,
      counts.outputTokens,
      counts.cost,
      counts.estimated,
      counts.kept,
      sum.ttft.encode(),
      sum.speed.encode(),
    );
  }

  spend({ quarterMs, provider, model, caller, key, persona, cost, tokens }: PendingSpent): void {
    this.#spend.run(quarterMs, provider, model, caller, key ?? '', persona ?? '', cost, tokens);
  }
}

/** A blob as node:sqlite gives it. */
export function asBytes(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}
