import type { DatabaseSync } from 'node:sqlite';
import type { RequestRow } from './entries.ts';
import type { ChargeScope } from '../ledger-port.ts';
import { textOf } from './stored-sums.ts';

/** What sums are kept apart by. An empty text stands for none. */
export interface Scope {
  readonly node: string;
  readonly route: string;
  readonly provider: string;
  readonly model: string;
  readonly key: string;
  readonly persona: string;
}

export function scopeOfRequest(row: RequestRow): Scope {
  return {
    node: row.node,
    route: row.route,
    provider: row.upstream ?? '',
    model: row.model ?? '',
    key: row.key ?? '',
    persona: row.persona ?? '',
  };
}

/** Only what answers in the cloud has a price. */
export function scopeOfCharge(charge: ChargeScope, node: string): Scope {
  const { provider, model, key, persona } = charge;
  return { node, route: 'cloud', provider, model, key: key ?? '', persona: persona ?? '' };
}

export function scopeText({ node, route, provider, model, key, persona }: Scope): string {
  return [node, route, provider, model, key, persona].join('\u0000');
}

/** All that ever were, by their ids. */
export function readScopes(database: DatabaseSync): Map<number, Scope> {
  const rows = database.prepare('SELECT * FROM scopes').all();
  return new Map(
    rows.map((row) => [
      Number(row['id']),
      {
        node: textOf(row['node']),
        route: textOf(row['route']),
        provider: textOf(row['provider']),
        model: textOf(row['model']),
        key: textOf(row['key']),
        persona: textOf(row['persona']),
      },
    ]),
  );
}
