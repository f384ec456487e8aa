import type { DatabaseSync } from 'node:sqlite';
import type { Nanodollars, SpentQuarter } from '../ledger-port.ts';
import type { SpentPage } from './messages.ts';
import { hourMs, hourOf, quarterOf } from './quarters.ts';

/** Rows of an answer: small enough that taking them in holds nobody up. */
const pageRows = 500;

/** What budgets are made up from, page by page: those that come after a row in the order of the table. */
export function spentPage(database: DatabaseSync, sinceMs: number, after: SpentQuarter | null): SpentPage {
  const from = after ?? {
    quarterMs: quarterOf(sinceMs) - 1,
    provider: '',
    model: '',
    caller: '',
    key: '',
    persona: '',
  };
  const rows = database
    .prepare(
      `SELECT * FROM spent
       WHERE (quarter_ms, provider, model, caller, key, persona) > (?, ?, ?, ?, ?, ?)
       ORDER BY quarter_ms, provider, model, caller, key, persona LIMIT ?`,
    )
    .all(from.quarterMs, from.provider, from.model, from.caller, from.key ?? '', from.persona ?? '', pageRows)
    .map((row): SpentQuarter => ({
      quarterMs: Number(row['quarter_ms']),
      provider: String(row['provider']),
      model: String(row['model']),
      caller: String(row['caller']),
      key: named(row['key']),
      persona: named(row['persona']),
      cost: Number(row['cost']),
      tokens: Number(row['tokens']),
    }));
  return { rows, next: rows.length < pageRows ? null : (rows.at(-1) ?? null) };
}

/** Spent in each of the last full hours, oldest first. */
export function spentByHour(database: DatabaseSync, hours: number, nowMs: number): readonly Nanodollars[] {
  const endMs = hourOf(nowMs);
  const startMs = endMs - hours * hourMs;
  const spent = Array.from({ length: hours }, () => 0);
  const rows = database
    .prepare(
      'SELECT quarter_ms, sum(cost) AS cost FROM spent WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY quarter_ms',
    )
    .all(startMs, endMs);
  for (const row of rows) {
    const hour = Math.floor((Number(row['quarter_ms']) - startMs) / hourMs);
    spent[hour] = (spent[hour] ?? 0) + Number(row['cost']);
  }
  return spent;
}

export function remembered(database: DatabaseSync, name: string): string | null {
  const value = database.prepare('SELECT value FROM state WHERE name = ?').get(name)?.['value'];
  return typeof value === 'string' ? value : null;
}

function named(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
