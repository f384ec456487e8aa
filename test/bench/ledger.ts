/**
 * What the ledger adds to a request: setting aside and settling, with and without it in one run by turns, how long it ever
 * holds the event loop, how quickly a backlog is taken in, and how long the panel waits for usage over a million requests.
 * Run with `npm run bench:ledger`; `-- --rows 100000` for fewer.
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Book } from '../../electron/agent/cloud/ledger/book.ts';
import type { JournalEntry } from '../../electron/agent/cloud/ledger/entries.ts';
import { requestRow } from '../../electron/agent/cloud/ledger/entries.ts';
import { openForWriting } from '../../electron/agent/cloud/ledger/schema.ts';
import type { ChargeReserved, ChargeSettled, RequestEntry } from '../../electron/agent/cloud/ledger-port.ts';
import { usageGroups } from '../../electron/contract/cloud.ts';
import { aTrace } from '../fixtures/example-trace.ts';
import { charge, placesIn, settlement, startLedger } from '../integration/cloud/ledger/ledger-rig.ts';
import { median, quantile } from './gateway-rounds.ts';
import { randomOf } from './routing-world.ts';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '10' } },
});
const rows = Number(values.rows);
const seconds = Number(values.seconds);
const ratePerS = 100;
const backlog = 20_000;
const dayMs = 86_400_000;
const random = randomOf(11);

/** What a request does with its money; the arm without a ledger does nothing. */
interface Arm {
  reserve(charge: ChargeReserved): Promise<void>;
  settle(charge: ChargeSettled): void;
  record(entry: RequestEntry): void;
}

const bars: { readonly name: string; readonly figure: number; readonly limit: number }[] = [];
const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-ledger-'));
try {
  await requestPath(join(folder, 'path'));
  await replay(join(folder, 'replay'));
  await questions(join(folder, 'questions'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log('\nbar                                       figure   limit');
for (const { name, figure, limit } of bars) {
  const verdict = figure <= limit ? 'holds' : 'MISSED';
  console.log(`${name.padEnd(40)} ${figure.toFixed(2).padStart(7)} ${limit.toFixed(2).padStart(7)}   ${verdict}`);
}
process.exit(bars.every(({ figure, limit }) => figure <= limit) ? 0 : 1);

async function requestPath(place: string): Promise<void> {
  const ledger = await startLedger(place);
  const none: Arm = { reserve: () => Promise.resolve(), settle: () => undefined, record: () => undefined };
  const times = { none: [] as number[], ledger: [] as number[] };
  const longest = { none: [] as number[], ledger: [] as number[] };
  // The first round is for the compilers and for the lease.
  for (let round = -1; round < 4; round += 1) {
    for (const name of round % 2 === 0 ? (['none', 'ledger'] as const) : (['ledger', 'none'] as const)) {
      const run = await oneArm(name === 'none' ? none : ledger, `${name}-${round}`);
      if (round < 0) continue;
      times[name].push(...run.times);
      longest[name].push(run.longestDelayMs);
    }
  }
  await ledger.close();
  console.log(`setting aside, settling and recording at ${ratePerS} requests a second, ms`);
  for (const name of ['none', 'ledger'] as const) {
    const line = [0.5, 0.99, 0.999].map((share) => `p${share * 100} ${quantile(times[name], share).toFixed(3)}`);
    const delays = longest[name].map((delay) => delay.toFixed(1)).join(', ');
    console.log(`  ${name.padEnd(7)} ${line.join(', ')}; longest delay of the event loop a round: ${delays}`);
  }
  const added = quantile(times.ledger, 0.99) - quantile(times.none, 0.99);
  bars.push({ name: 'added by reserve + settle, p99, ms', figure: added, limit: 1 });
  bars.push({ name: 'event loop held at most, ms', figure: median(longest.ledger), limit: 5 });
}

async function oneArm(arm: Arm, name: string): Promise<{ times: number[]; longestDelayMs: number }> {
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const running: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let index = 0; index < (ratePerS * seconds) / 4; index += 1) {
    const dueMs = beganMs + (index * 1_000) / ratePerS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(oneRequest(arm, `${name}-${index}`, times));
  }
  await Promise.all(running);
  delay.disable();
  // The monitor counts from one millisecond on: its own step.
  return { times, longestDelayMs: delay.max / 1e6 - 1 };
}

async function oneRequest(arm: Arm, trace: string, times: number[]): Promise<void> {
  const id = `${trace}#0`;
  const startMs = performance.now();
  await arm.reserve(charge(id, { worst: 20_000_000 + Math.round(random() * 60_000_000) }));
  const reservedMs = performance.now() - startMs;
  // The answer.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const endMs = performance.now();
  arm.settle(settlement(id));
  arm.record({ trace: aTrace({ trace, route: 'cloud' }), node: 'barn', equivalent: null });
  times.push(reservedMs + performance.now() - endMs);
}

async function replay(place: string): Promise<void> {
  const ledger = await startLedger(place);
  const beganMs = performance.now();
  for (let index = 0; index < backlog; index += 1) {
    const id = `b${index}#0`;
    void ledger.reserve(charge(id, { worst: 10 })).catch(() => undefined);
    ledger.settle(settlement(id, { cost: 3 }));
    if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const quarters = await ledger.spentSince(0);
  const tookS = (performance.now() - beganMs) / 1_000;
  const cost = quarters.reduce((sum, quarter) => sum + quarter.cost, 0);
  await ledger.close();
  const rate = backlog / tookS;
  console.log(`\n${backlog} reservations and settlements: ${rate.toFixed(0)} a second, lost ${backlog - cost / 3}`);
  bars.push({ name: '10,000 settlements, s', figure: 10_000 / rate, limit: 1 });
  bars.push({ name: 'settlements lost', figure: Math.abs(backlog - cost / 3), limit: 0 });
}

async function questions(place: string): Promise<void> {
  const first = await startLedger(place);
  await first.close();
  const nowMs = Date.now();
  fillWith(place, nowMs);
  const ledger = await startLedger(place);
  console.log(`\nusage over 30 days with ${rows} requests, ms`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const took: number[] = [];
  for (const by of usageGroups) {
    const beganMs = performance.now();
    const query = { sinceMs: nowMs - 30 * dayMs - 12_345, untilMs: nowMs - 54_321, by, timeZone: 'Asia/Kolkata' };
    const answer = await ledger.usage(query);
    const tookMs = performance.now() - beganMs;
    took.push(tookMs);
    console.log(`  by ${by.padEnd(9)} ${tookMs.toFixed(0).padStart(5)}   ${answer.rows.length} rows`);
  }
  const times: number[] = [];
  const asked = { isOver: false };
  const asking = ledger
    .usage({ sinceMs: nowMs - 30 * dayMs, untilMs: nowMs, by: 'hour', timeZone: 'UTC' })
    .finally(() => (asked.isOver = true));
  for (let index = 0; !asked.isOver; index += 1) await oneRequest(ledger, `asked-${index}`, times);
  await asking;
  let bytes = 0;
  const exportBeganMs = performance.now();
  for await (const piece of ledger.export({ sinceMs: nowMs - dayMs, untilMs: nowMs, format: 'csv' }))
    bytes += piece.length;
  const exportMs = performance.now() - exportBeganMs;
  delay.disable();
  await ledger.close();
  console.log(`  a request meanwhile: ${median(times).toFixed(2)}, at most ${Math.max(...times).toFixed(2)}`);
  console.log(`  one day exported as CSV, ${(bytes / 1e6).toFixed(1)} MB: ${exportMs.toFixed(0)}`);
  bars.push({ name: 'usage of 1,000,000 requests, ms', figure: Math.max(...took), limit: 1_000 });
  bars.push({ name: 'event loop held by it at most, ms', figure: delay.max / 1e6 - 1, limit: 5 });
}

/** A month of requests, one in five billed, as the journal would have brought them. */
function fillWith(place: string, nowMs: number): void {
  const database = openForWriting(placesIn(place).file);
  // Only to fill it: what is measured opens it anew.
  database.exec('PRAGMA synchronous = OFF');
  const book = new Book(database, { run: 1, node: 'barn', boot: 'bench' });
  const keys = ['laptop', 'desk', 'phone', 'night-work', 'ci', null];
  const models = ['gemma', 'falcon', 'qwen', 'claude-opus', 'gpt-5'];
  let seq = 0;
  while (seq < rows) {
    const batch = Array.from({ length: 5_000 }, () => {
      seq += 1;
      const entries = requestEntries(seq, Math.floor(nowMs - (1 - seq / rows) * 30 * dayMs), { keys, models });
      return entries.map((entry) => ({ seq, entry }));
    });
    // One number for all of a request: they are applied together.
    for (const [offset, numbered] of [batch.map(([last]) => last), batch.map(([, before]) => before)].entries()) {
      const entries = numbered.filter((each) => each !== undefined);
      book.apply(offset + 1, entries);
    }
  }
  book.forgetRuns([]);
  database.close();
}

function requestEntries(
  seq: number,
  atMs: number,
  { keys, models }: { readonly keys: readonly (string | null)[]; readonly models: readonly string[] },
): JournalEntry[] {
  const pick = Math.floor(random() * models.length);
  const model = models[pick] ?? 'gemma';
  const isCloud = pick >= 3;
  const key = keys[Math.floor(random() * keys.length)] ?? null;
  const trace = aTrace({
    trace: `f${seq}`,
    at: new Date(atMs).toISOString(),
    key,
    model,
    route: isCloud ? 'cloud' : 'local',
    upstream: isCloud ? 'anthropic' : 'llama-server',
    ttftMs: 50 * 40 ** random(),
    tokensPerSecond: 5 + 50 * random(),
  });
  const request = {
    kind: 'request',
    row: requestRow({ trace, node: 'barn', equivalent: isCloud ? null : 90_000 }),
  } as const;
  if (!isCloud) return [request];
  const of = charge(`f${seq}#0`, { atMs, model, key });
  return [request, { kind: 'settle', charge: settlement(of.id, { atMs: atMs + 2_000, cost: 1_000 }), of }];
}
