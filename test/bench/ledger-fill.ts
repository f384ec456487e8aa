/**
 * Fills a ledger with a month of requests, one in two billed, as the journal would have brought them, and puts their hours
 * into the sums by group as compaction does within the hour. A process of its own: what it leaves on the heap is no part
 * of what the bench measures. Arguments: folder, number of requests, time of the last one in milliseconds.
 */
import { Book } from '../../electron/agent/cloud/ledger/book.ts';
import { compactionSteps } from '../../electron/agent/cloud/ledger/compaction.ts';
import { requestRow, type JournalEntry } from '../../electron/agent/cloud/ledger/entries.ts';
import { openForWriting } from '../../electron/agent/cloud/ledger/schema.ts';
import { aTrace } from '../fixtures/example-trace.ts';
import { charge, placesIn, settlement } from '../integration/cloud/ledger/ledger-rig.ts';
import { randomOf } from './routing-world.ts';

const dayMs = 86_400_000;
const batchSize = 5_000;
const keys = ['laptop', 'desk', 'phone', 'night-work', 'ci', null];
const models = ['gemma', 'falcon', 'qwen', 'claude-opus', 'gpt-5'];

const [folder = '', rowsText, nowText] = process.argv.slice(2);
const rows = Number(rowsText);
const nowMs = Number(nowText);
const random = randomOf(11);

const database = openForWriting(placesIn(folder).file);
// Only to fill it: what is measured opens it anew.
database.exec('PRAGMA synchronous = OFF');
const book = new Book(database, { run: 1, node: 'barn', boot: 'bench' });
let seq = 0;
for (let request = 0; request < rows; request += batchSize) {
  const entries = Array.from({ length: Math.min(batchSize, rows - request) }, (_, index) =>
    requestEntries(request + index, Math.floor(nowMs - (1 - (request + index) / rows) * 30 * dayMs)),
  ).flat();
  book.apply(
    1,
    entries.map((entry, index) => ({ seq: seq + index + 1, entry })),
  );
  seq += entries.length;
}
book.forgetRuns([]);
const beganMs = performance.now();
let longestMs = 0;
for (const steps = compactionSteps(database, { nowMs, keepRowsDays: 90 }); ;) {
  const stepMs = performance.now();
  const { done } = steps.next();
  longestMs = Math.max(longestMs, performance.now() - stepMs);
  if (done === true) break;
}
console.log(
  `${rows} requests of 30 days, grouped in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s, ` +
    `${longestMs.toFixed(0)} ms a step at most`,
);
database.close();

function requestEntries(number: number, atMs: number): JournalEntry[] {
  const pick = Math.floor(random() * models.length);
  const model = models[pick] ?? 'gemma';
  const isCloud = pick >= 3;
  const key = keys[Math.floor(random() * keys.length)] ?? null;
  const trace = aTrace({
    trace: `f${number}`,
    at: new Date(atMs).toISOString(),
    key,
    model,
    route: isCloud ? 'cloud' : 'local',
    upstream: isCloud ? 'anthropic' : 'llama-server',
    ttftMs: 50 * 40 ** random(),
    tokensPerSecond: 5 + 50 * random(),
  });
  const row = requestRow({ trace, node: 'barn', equivalent: isCloud ? null : 90_000 });
  const request = { kind: 'request', row } as const;
  if (!isCloud) return [request];
  const of = charge(`f${number}#0`, { atMs, model, key });
  return [{ kind: 'settle', charge: settlement(of.id, { atMs: atMs + 2_000, cost: 1_000 }), of }, request];
}
