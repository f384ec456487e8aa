/**
 * What the ledger adds to a request: setting aside and settling, with and without it in one run by turns, how long it ever
 * holds the event loop, how quickly a backlog is taken in, and how long the panel waits for usage over a million requests.
 * Run with `npm run bench:ledger`; `-- --rows 100000` for fewer.
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ChargeReserved, ChargeSettled, RequestEntry } from '../../electron/agent/cloud/ledger-port.ts';
import { usageGroups, type UsageGroup } from '../../electron/contract/cloud.ts';
import { aTrace } from '../fixtures/example-trace.ts';
import { charge, settlement, startLedger } from '../integration/cloud/ledger/ledger-rig.ts';
import { median, quantile } from './gateway-rounds.ts';
import { LoopWatch, type Held } from './loop-watch.ts';
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

interface Run {
  /** What a request waited, milliseconds. */
  readonly times: number[];
  /** How long a call ever kept its caller before it returned, writing to the journal included. */
  longestCallMs: number;
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
  const arms = {
    none: { arm: none, run: newRun(), held: [] as Held[] },
    ledger: { arm: ledger, run: newRun(), held: [] as Held[] },
  };
  // The first round is for the compilers and for the lease.
  for (let round = -1; round < 4; round += 1) {
    for (const name of round % 2 === 0 ? (['none', 'ledger'] as const) : (['ledger', 'none'] as const)) {
      const { arm, run, held } = arms[name];
      const watch = new LoopWatch();
      await oneArm(arm, `${name}-${round}`, round < 0 ? newRun() : run);
      const seen = watch.stop();
      if (round >= 0) held.push(seen);
    }
  }
  await ledger.close();
  console.log(`setting aside, settling and recording at ${ratePerS} requests a second, ms`);
  for (const [name, { run, held }] of Object.entries(arms)) {
    const line = [0.5, 0.99, 0.999].map((share) => `p${share * 100} ${quantile(run.times, share).toFixed(3)}`);
    console.log(`  ${name.padEnd(7)} ${line.join(', ')}; a call at most ${run.longestCallMs.toFixed(2)}`);
    console.log(`          event loop at most, each round: ${held.map(heldText).join('; ')}`);
  }
  const added = quantile(arms.ledger.run.times, 0.99) - quantile(arms.none.run.times, 0.99);
  bars.push({ name: 'added by reserve + settle, p99, ms', figure: added, limit: 1 });
  const own = Math.max(...arms.ledger.held.map(({ ownMs }) => ownMs));
  bars.push({ name: 'event loop held at most, ms', figure: own, limit: 5 });
  bars.push({ name: 'a call of the ledger at most, ms', figure: arms.ledger.run.longestCallMs, limit: 5 });
}

function newRun(): Run {
  return { times: [], longestCallMs: 0 };
}

function heldText({ wallMs, ownMs }: Held): string {
  return `${ownMs.toFixed(1)} of its own, ${wallMs.toFixed(1)} with what the machine did else`;
}

async function oneArm(arm: Arm, name: string, run: Run): Promise<void> {
  const running: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let index = 0; index < (ratePerS * seconds) / 4; index += 1) {
    const dueMs = beganMs + (index * 1_000) / ratePerS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(oneRequest(arm, `${name}-${index}`, run));
  }
  await Promise.all(running);
}

async function oneRequest(arm: Arm, trace: string, run: Run): Promise<void> {
  const id = `${trace}#0`;
  const startMs = performance.now();
  const reserved = arm.reserve(charge(id, { worst: 20_000_000 + Math.round(random() * 60_000_000) }));
  const calledMs = performance.now() - startMs;
  await reserved;
  const reservedMs = performance.now() - startMs;
  // The answer.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const endMs = performance.now();
  arm.settle(settlement(id));
  const settledMs = performance.now();
  arm.record({ trace: aTrace({ trace, route: 'cloud' }), node: 'barn', equivalent: null });
  const overMs = performance.now();
  run.times.push(reservedMs + overMs - endMs);
  run.longestCallMs = Math.max(run.longestCallMs, calledMs, settledMs - endMs, overMs - settledMs);
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
  const nowMs = Date.now();
  mkdirSync(place, { mode: 0o700 });
  const fill = join(import.meta.dirname, 'ledger-fill.ts');
  const filled = execFileSync(process.execPath, [fill, place, String(rows), String(nowMs)], { encoding: 'utf8' });
  const ledger = await startLedger(place);
  console.log(`\n${filled.trim()}\nusage, ms      24 h    7 d   30 d   30 d in India, from one minute to another`);
  const took: number[] = [];
  const ask = async (by: UsageGroup, days: number, { oddMs, timeZone }: { oddMs: number; timeZone: string }) => {
    const beganMs = performance.now();
    const answer = await ledger.usage({ sinceMs: nowMs - days * dayMs - oddMs, untilMs: nowMs - oddMs, by, timeZone });
    const tookMs = performance.now() - beganMs;
    took.push(tookMs);
    return `${tookMs.toFixed(0).padStart(7)}${answer.total.requests > 0 ? '' : ' (nothing)'}`;
  };
  // Once for the compilers, and for the platform's time zones, which the agent's budgets have loaded at its start.
  await ask('model', 1, { oddMs: 0, timeZone: 'UTC' });
  took.length = 0;
  const watch = new LoopWatch();
  for (const by of usageGroups) {
    const plain = { oddMs: 0, timeZone: 'Europe/Berlin' };
    const cells = [await ask(by, 1, plain), await ask(by, 7, plain), await ask(by, 30, plain)];
    cells.push(await ask(by, 30, { oddMs: 54_321, timeZone: 'Asia/Kolkata' }));
    console.log(`  by ${by.padEnd(9)} ${cells.join('')}`);
  }
  const run = newRun();
  const asked = { isOver: false };
  const asking = usageForASecond().finally(() => (asked.isOver = true));
  for (let index = 0; !asked.isOver; index += 1) await oneRequest(ledger, `asked-${index}`, run);
  await asking;
  let bytes = 0;
  const exportBeganMs = performance.now();
  for await (const piece of ledger.export({ sinceMs: nowMs - dayMs, untilMs: nowMs, format: 'csv' }))
    bytes += piece.length;
  const exportMs = performance.now() - exportBeganMs;
  const held = watch.stop();
  await ledger.close();
  console.log(`  a request meanwhile: ${median(run.times).toFixed(2)}, at most ${Math.max(...run.times).toFixed(2)}`);
  console.log(`  one day exported as CSV, ${(bytes / 1e6).toFixed(1)} MB: ${exportMs.toFixed(0)}`);
  console.log(`  event loop at most: ${heldText(held)}`);
  bars.push({ name: 'usage of 1,000,000 requests, ms', figure: Math.max(...took), limit: 100 });
  bars.push({ name: 'event loop held by it at most, ms', figure: held.ownMs, limit: 5 });

  async function usageForASecond(): Promise<void> {
    const endMs = performance.now() + 1_000;
    const query = { sinceMs: nowMs - 30 * dayMs, untilMs: nowMs, by: 'hour', timeZone: 'UTC' } as const;
    while (performance.now() < endMs) await ledger.usage(query);
  }
}
