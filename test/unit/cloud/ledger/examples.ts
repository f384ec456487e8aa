import { DatabaseSync } from 'node:sqlite';
import { Book } from '../../../../electron/agent/cloud/ledger/book.ts';
import type { JournalEntry, NumberedEntry, RequestRow } from '../../../../electron/agent/cloud/ledger/entries.ts';
import { migrations } from '../../../../electron/agent/cloud/ledger/schema.ts';
import type { UsageQuery } from '../../../../electron/agent/cloud/ledger/messages.ts';
import { usageSteps } from '../../../../electron/agent/cloud/ledger/usage-query.ts';
import type { ChargeReserved, ChargeSettled } from '../../../../electron/agent/cloud/ledger-port.ts';
import type { UsageAnswer } from '../../../../electron/contract/cloud.ts';

export const atNoonMs = Date.UTC(2026, 10, 22, 12);
export const quarterMs = 900_000;

export function aCharge(change: Partial<ChargeReserved> = {}): ChargeReserved {
  return {
    id: 't1#0',
    trace: 't1',
    atMs: atNoonMs,
    provider: 'anthropic',
    model: 'claude-opus',
    caller: 'k1',
    key: 'laptop',
    persona: null,
    worst: 5_000_000,
    worstTokens: 900,
    ...change,
  };
}

export function aSettlement(change: Partial<ChargeSettled> = {}): ChargeSettled {
  const tokens = { inputTokens: 100, cachedTokens: 20, cacheWriteTokens: 3, outputTokens: 50 };
  return { id: 't1#0', atMs: atNoonMs + 2_000, cost: 1_234_567, tokens, basis: 'told', ...change };
}

export function aRow(change: Partial<RequestRow> = {}): RequestRow {
  return {
    trace: 't1',
    atMs: atNoonMs,
    node: 'barn',
    key: 'laptop',
    persona: null,
    operation: 'chat',
    dialect: 'openai',
    requestedModel: 'ranch/auto',
    model: 'gemma',
    route: 'local',
    upstream: 'llama-server',
    reason: 'local-idle',
    priority: 'normal',
    state: 'done',
    status: 200,
    error: null,
    queuedMs: 0,
    ttftMs: 300,
    durationMs: 2_000,
    tokensPerSecond: 20,
    inputTokens: 10,
    cachedTokens: 5,
    cacheWriteTokens: 0,
    outputTokens: 7,
    reasoningTokens: 0,
    equivalent: 2_000_000,
    ...change,
  };
}

export function numbered(entries: readonly JournalEntry[], from = 1): NumberedEntry[] {
  return entries.map((entry, index) => ({ seq: from + index, entry }));
}

/** A book in memory, of run 1 on a machine that started as `boot`. */
export function aBook({ run = 1, boot = 'boot-1', database = aDatabase() } = {}): {
  book: Book;
  database: DatabaseSync;
} {
  return { book: new Book(database, { run, node: 'barn', boot }), database };
}

function aDatabase(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  for (const step of migrations) database.exec(step);
  return database;
}

export function usageOf(database: DatabaseSync, query: Partial<UsageQuery> = {}): UsageAnswer {
  const whole = {
    sinceMs: atNoonMs - 86_400_000,
    untilMs: atNoonMs + 86_400_000,
    by: 'model',
    timeZone: 'UTC',
  } as const;
  const steps = usageSteps(database, { ...whole, ...query }, 'barn');
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Runs steps to their end. */
export function finish<Answer>(steps: Generator<undefined, Answer>): Answer {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
