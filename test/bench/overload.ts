/**
 * Bar P7: one node at 1.5 and at 2.5 times the rate that its engine can do. The product's own admission and prediction
 * against an engine left to itself (FIFO) and against sending a request here only while a slot is free (least loaded),
 * with the same arrivals, in simulated time; only the decisions are timed by the real clock.
 *
 *   node test/bench/overload.ts [--requests 1500] [--seeds 5]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict (an arm lost a request).
 */
import { parseArgs } from 'node:util';
import { FakeSlots, SimulatedClock, seededRandom, type FakeSlotsOptions } from './fake-slots.ts';
import { arms, type Arm, type ArmName } from './overload-arms.ts';
import { workload, type Arrival } from './overload-work.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1500' }, seeds: { type: 'string', default: '5' } },
});
const count = Number(values.requests);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
/** Twenty times as fast as an 8B model in 4 bits on a small desktop processor, and so is the goal: 2 s become 100 ms. */
const engine: FakeSlotsOptions = { slots: 4, prefillRate: 3_000, passMs: 5, chunk: 512 };
const goalMs = 100;

interface Figures {
  /** Good answers a second: begun within the goal, here. */
  readonly goodRate: number;
  readonly local: number;
  readonly p99Ms: number;
  readonly late: number;
  readonly decidedP99Ms: number;
  readonly hung: number;
}

console.log(`${count} requests a run, ${seeds.length} seeds; median (least–most)\n`);
console.log('load  arm           good/s here                % here             p99 TTFT ms            decided p99 ms');
let missed = 0;
let hung = 0;
for (const load of [1.5, 2.5]) {
  const rows = new Map<ArmName, Figures[]>();
  const saturated: number[] = [];
  for (const seed of seeds) {
    const rate = await saturatedRate(seed);
    saturated.push(rate);
    const arrivals = workload({ count, perSecond: rate * load, random: seededRandom(seed * 7_919) });
    for (const [name, make] of arms) {
      const figures = await run(make, arrivals);
      hung += figures.hung;
      rows.set(name, [...(rows.get(name) ?? []), figures]);
    }
  }
  for (const [name, figures] of rows) show(load, name, figures);
  judge(load, rows, saturated);
}
if (hung > 0) console.log(`no verdict: ${hung} requests hung`);
process.exitCode = hung > 0 ? 2 : missed > 0 ? 1 : 0;

/** Good or not, what the engine finishes a second while somebody always waits. */
async function saturatedRate(seed: number): Promise<number> {
  const clock = new SimulatedClock();
  const slots = new FakeSlots(engine, clock);
  const arrivals = workload({ count, perSecond: 1, random: seededRandom(seed * 104_729) });
  let next = 0;
  let done = 0;
  const submit = (): void => {
    const arrival = arrivals[next];
    next += 1;
    if (!arrival) return;
    const { promptTokens, answerTokens } = arrival;
    slots.submit({
      promptTokens,
      answerTokens,
      first: () => undefined,
      done: () => {
        done += 1;
        submit();
      },
    });
  };
  for (let index = 0; index < engine.slots * 2; index += 1) submit();
  await clock.run();
  return (done * 1_000) / clock.monotonic();
}

async function run(
  make: (clock: SimulatedClock, engine: FakeSlots) => Arm,
  arrivals: readonly Arrival[],
): Promise<Figures> {
  const clock = new SimulatedClock();
  const slots = new FakeSlots(engine, clock);
  const arm = make(clock, slots);
  const ttfts: number[] = [];
  const decided: number[] = [];
  let ended = 0;
  let late = 0;
  for (const arrival of arrivals) {
    clock.after(arrival.atMs, () => {
      const startedMs = performance.now();
      arm.take(arrival, {
        first: () => ttfts.push(clock.monotonic() - arrival.atMs),
        done: () => (ended += 1),
        away: () => {
          ended += 1;
          const waitedMs = clock.monotonic() - arrival.atMs;
          if (waitedMs > 0) late += 1;
          decided.push(waitedMs + performance.now() - startedMs);
        },
      });
    });
  }
  await clock.run();
  const lastMs = arrivals.at(-1)?.atMs ?? 0;
  const good = ttfts.filter((ms) => ms <= goalMs).length;
  return {
    goodRate: (good * 1_000) / lastMs,
    local: (ttfts.length * 100) / arrivals.length,
    p99Ms: quantile(ttfts, 0.99),
    late,
    decidedP99Ms: quantile(decided, 0.99),
    hung: arrivals.length - ended,
  };
}

function show(load: number, name: ArmName, all: readonly Figures[]): void {
  const column = (of: (figures: Figures) => number, digits: number): string => spread(all.map(of), digits);
  console.log(
    [
      `${load} ×`.padEnd(5),
      name.padEnd(13),
      column(({ goodRate }) => goodRate, 2).padEnd(26),
      column(({ local }) => local, 0).padEnd(18),
      column(({ p99Ms }) => p99Ms, 0).padEnd(22),
      column(({ decidedP99Ms }) => decidedP99Ms, 2),
    ].join(' '),
  );
}

function judge(load: number, rows: ReadonlyMap<ArmName, Figures[]>, saturated: readonly number[]): void {
  const ours = rows.get('Ranch Hand') ?? [];
  const fifo = rows.get('FIFO') ?? [];
  const good = median(ours.map(({ goodRate }) => goodRate));
  const ofSaturated = median(ours.map(({ goodRate }, index) => goodRate / (saturated[index] ?? 1)));
  const late = ours.reduce((sum, figures) => sum + figures.late, 0);
  console.log(`\n      the engine can do ${spread(saturated, 2)} a second; ${late} of ours were refused after a wait`);
  bar(`P7 p99 TTFT of the admitted at ${load} ×`, median(ours.map(({ p99Ms }) => p99Ms)), 'at most', goalMs, 'ms');
  bar(`P7 good rate here at ${load} ×`, ofSaturated * 100, 'at least', 80, '% of the saturated rate');
  bar(`P7 the same against FIFO`, good / median(fifo.map(({ goodRate }) => goodRate)), 'at least', 3, '×');
  bar(`P7 decided elsewhere, p99`, median(ours.map(({ decidedP99Ms }) => decidedP99Ms)), 'at most', 20, 'ms');
  console.log('');
}

function bar(name: string, figure: number, kind: 'at most' | 'at least', limit: number, unit: string): void {
  const holds = kind === 'at most' ? figure <= limit : figure >= limit;
  if (!holds) missed += 1;
  console.log(
    `      ${name.padEnd(40)} ${figure.toFixed(2).padStart(8)} ${kind} ${limit} ${unit}  ${holds ? 'holds' : 'MISSED'}`,
  );
}

function median(all: readonly number[]): number {
  return quantile(all, 0.5);
}

function quantile(all: readonly number[], share: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function spread(all: readonly number[], digits: number): string {
  const of = (share: number): string => quantile(all, share).toFixed(digits);
  return `${of(0.5)} (${of(0)}–${of(1)})`;
}
