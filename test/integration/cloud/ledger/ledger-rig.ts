import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { bootId } from '../../../../electron/agent/cloud/ledger/boot-id.ts';
import { nextRun } from '../../../../electron/agent/cloud/ledger/journal-files.ts';
import { DurableLedger } from '../../../../electron/agent/cloud/ledger/ledger.ts';
import type { ChargeReserved, ChargeSettled, Ledger } from '../../../../electron/agent/cloud/ledger-port.ts';
import { systemClock, type Clock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';

export const workerFile = fileURLToPath(
  new URL('../../../../electron/agent/cloud/ledger/ledger-worker.ts', import.meta.url),
);

export function placesIn(folder: string): { readonly file: string; readonly journalDir: string } {
  return { file: join(folder, 'ledger.db'), journalDir: join(folder, 'ledger-journal') };
}

/** A ledger in a folder; `boot` pretends that the machine started anew. */
export async function startLedger(
  folder: string,
  { boot, clock = systemClock, keepRowsDays = 90 }: { boot?: string; clock?: Clock; keepRowsDays?: number } = {},
): Promise<DurableLedger> {
  const places = placesIn(folder);
  const run = nextRun(places.journalDir, Date.now());
  const settings = { ...places, node: 'barn', run, boot: boot ?? bootId(Date.now()) };
  const ledger = new DurableLedger(
    { settings, workerFile, keepRowsDays: () => keepRowsDays },
    { clock, logger: silentLogger },
  );
  await ledger.start();
  return ledger;
}

export function charge(id: string, change: Partial<ChargeReserved> = {}): ChargeReserved {
  return {
    id,
    trace: id.replace(/#.*$/, ''),
    atMs: Date.now(),
    provider: 'anthropic',
    model: 'claude-opus',
    caller: 'k1',
    key: 'laptop',
    persona: null,
    worst: 5_000_000,
    worstTokens: 100,
    ...change,
  };
}

export function settlement(id: string, change: Partial<ChargeSettled> = {}): ChargeSettled {
  const tokens = { inputTokens: 10, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };
  return { id, atMs: Date.now(), cost: 1_000_000, tokens, basis: 'told', ...change };
}

/** Resolves at the first state that fits. */
export function stateOf(ledger: Ledger, kind: 'open' | 'closed'): Promise<void> {
  return new Promise((resolve) => {
    if (ledger.state.kind === kind) {
      resolve();
      return;
    }
    const stop = ledger.changed.subscribe(() => {
      if (ledger.state.kind !== kind) return;
      stop();
      resolve();
    });
  });
}

/** Nanodollars that were booked, by provider. */
export async function spentBy(ledger: Ledger): Promise<Record<string, number>> {
  const spent: Record<string, number> = {};
  for (const { provider, cost } of await ledger.spentSince(0)) spent[provider] = (spent[provider] ?? 0) + cost;
  return spent;
}

export type Line = Readonly<Record<string, string | number | boolean | null>>;

export async function exported(ledger: Ledger): Promise<Line[]> {
  let text = '';
  for await (const piece of ledger.export({ sinceMs: 0, untilMs: Date.now() + 86_400_000, format: 'json' }))
    text += piece;
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** `ok`, by SQLite's own thorough look. */
export function integrityOf(file: string): unknown {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
  } finally {
    database.close();
  }
}
