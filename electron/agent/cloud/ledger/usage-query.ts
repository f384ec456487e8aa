import type { DatabaseSync } from 'node:sqlite';
import type { UsageAnswer, UsageRow } from '../../../contract/cloud.ts';
import { compactedBefore } from './compaction.ts';
import type { UsageQuery } from './messages.ts';
import { quarterMs, quarterOf } from './quarters.ts';
import type { Scope } from './scope.ts';
import { asBytes } from './sum-batch.ts';
import { groupingBy, type Grouping } from './usage-grouping.ts';
import { UsageSum } from './usage-sum.ts';

type Row = Readonly<Record<string, unknown>>;

/** Rows between two looks at whether something else is to be done. */
const rowsAStep = 1_000;

/**
 * Sums up a time range. Whole quarters of an hour come from the sums, what is left at both ends from the single rows. A
 * generator: it pauses after each thousand rows, and sees the same state of the database to its end. `node` is this node's
 * name, under which charges are.
 */
export function* usageSteps(
  database: DatabaseSync,
  query: UsageQuery,
  node: string,
): Generator<undefined, UsageAnswer> {
  const { sinceMs, untilMs, by, timeZone } = query;
  const tally = new UsageTally(groupingBy(by, timeZone));
  const firstMs = Math.min(quarterOf(sinceMs + quarterMs - 1), untilMs);
  const lastMs = Math.max(quarterOf(untilMs), firstMs);
  database.exec('BEGIN');
  try {
    const scopes = readScopes(database);
    const boundaryMs = compactedBefore(database);
    let count = 0;
    const sums = database.prepare('SELECT * FROM sums WHERE start_ms >= ? AND start_ms < ?');
    for (const row of sums.iterate(firstMs, lastMs)) {
      const scope = scopes.get(Number(row['scope']));
      if (scope) tally.addSum(row, scope);
      if (++count % rowsAStep === 0) yield;
    }
    for (const [fromMs, toMs] of [
      [sinceMs, firstMs],
      [lastMs, untilMs],
    ] as const) {
      if (toMs > fromMs && fromMs >= boundaryMs) yield* edge(database, tally, { fromMs, toMs, node });
    }
  } finally {
    database.exec('ROLLBACK');
  }
  return tally.answer(query);
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

function readScopes(database: DatabaseSync): Map<number, Scope> {
  const rows = database.prepare('SELECT * FROM scopes').all();
  return new Map(
    rows.map((row) => [
      Number(row['id']),
      {
        node: text(row['node']),
        route: text(row['route']),
        provider: text(row['provider']),
        model: text(row['model']),
        key: text(row['key']),
        persona: text(row['persona']),
      },
    ]),
  );
}

/** Groups in the making, kept apart by route too, so that each row is counted once and put together at the end. */
class UsageTally {
  readonly #grouping: Grouping;
  readonly #groups = new Map<string, Map<string, UsageSum>>();

  constructor(grouping: Grouping) {
    this.#grouping = grouping;
  }

  addSum(row: Row, scope: Scope): void {
    const sum = this.#of(Number(row['start_ms']), scope);
    sum.add({
      requests: Number(row['requests']),
      failed: Number(row['failed']),
      ...tokensOf(row),
      cost: Number(row['cost']),
      estimated: Number(row['estimated']),
      kept: Number(row['kept']),
    });
    sum.ttft.addEncoded(asBytes(row['ttft']));
    sum.speed.addEncoded(asBytes(row['speed']));
  }

  addRequest(row: Row): void {
    const place = {
      ...named(row),
      node: text(row['node']),
      route: text(row['route']),
      provider: text(row['upstream']),
    };
    const sum = this.#of(Number(row['at_ms']), place);
    sum.add({ requests: 1, failed: row['state'] === 'failed' ? 1 : 0, kept: Number(row['equivalent'] ?? 0) });
    if (row['billed'] === 0) sum.add(tokensOf(row));
    if (typeof row['ttft_ms'] === 'number') sum.ttft.add(row['ttft_ms']);
    if (typeof row['tokens_per_second'] === 'number') sum.speed.add(row['tokens_per_second']);
  }

  addCharge(row: Row, node: string): void {
    const cost = Number(row['cost']);
    const place = { ...named(row), node, route: 'cloud', provider: text(row['provider']) };
    const estimated = row['basis'] === 'told' ? 0 : cost;
    this.#of(Number(row['at_ms']), place).add({ ...tokensOf(row), cost, estimated });
  }

  answer({ sinceMs, untilMs, by }: UsageQuery): UsageAnswer {
    const byRoute = new Map<string, UsageSum>();
    const rows = [...this.#groups].map(([name, routes]) => {
      for (const [route, sum] of routes) sumOf(byRoute, route).addSum(sum);
      return together([...routes.values()]).row(name);
    });
    const total = together([...byRoute.values()]);
    const side = (route: string): UsageRow => sumOf(byRoute, route).row(route);
    const { cost, kept } = total.counts;
    return {
      since: new Date(sinceMs).toISOString(),
      until: new Date(untilMs).toISOString(),
      by,
      rows: rows.toSorted(by === 'hour' || by === 'day' ? byName : byCost),
      total: total.row('total'),
      sides: { local: side('local'), peer: side('peer'), cloud: side('cloud') },
      localShare: kept + cost === 0 ? null : kept / (kept + cost),
    };
  }

  #of(atMs: number, scope: Scope): UsageSum {
    const name = this.#grouping(atMs, scope);
    const routes = this.#groups.get(name) ?? new Map<string, UsageSum>();
    this.#groups.set(name, routes);
    return sumOf(routes, scope.route);
  }
}

function sumOf(sums: Map<string, UsageSum>, name: string): UsageSum {
  const sum = sums.get(name) ?? new UsageSum();
  sums.set(name, sum);
  return sum;
}

/** One alone is not copied: an answer by the hour has thousands of them. */
function together(sums: readonly UsageSum[]): UsageSum {
  const [first] = sums;
  if (first && sums.length === 1) return first;
  const all = new UsageSum();
  for (const sum of sums) all.addSum(sum);
  return all;
}

function byName(a: UsageRow, b: UsageRow): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byCost(a: UsageRow, b: UsageRow): number {
  return b.costUsd - a.costUsd || b.requests - a.requests || byName(a, b);
}

function named(row: Row): Pick<Scope, 'model' | 'key' | 'persona'> {
  return { model: text(row['model']), key: text(row['key']), persona: text(row['persona']) };
}

function tokensOf(row: Row) {
  return {
    inputTokens: Number(row['input_tokens']),
    cachedTokens: Number(row['cached_tokens']),
    cacheWriteTokens: Number(row['cache_write_tokens']),
    outputTokens: Number(row['output_tokens']),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
