/**
 * Bar P16: what sampling the system costs. A tick (probes, history, snapshot, publication to one reader) takes at most
 * a millisecond and starts no process; the gateway's added time per token, p99, stays within 10 % with telemetry on.
 *
 *   node test/bench/sampler.ts [--rounds 6] [--seconds 4]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict (a wrong answer, or the machine was too busy).
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { BenchProcess, median, pinTo, quantile, spread } from './gateway-rounds.ts';
import type { LoadFigures, LoadOrder } from './gateway-load.ts';
import type { ArmSwitch } from './sampler-arm.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '6' }, seconds: { type: 'string', default: '4' } },
});
const rounds = Number(values.rounds);
const streams = 16;
const tokens = 64;
const intervalMs = 5;
/** Share of the nominal rate that must have come through for the figures to mean anything. */
const floor = 0.6;

const costSchema = z.object({
  childFaults: z.number(),
  cpuMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  worstMs: z.number(),
});

const cost = await tickCost(2_000);
console.log('one tick with three engines and one reader, 2000 in a row');
console.log(
  `  CPU time ${cost.cpuMs.toFixed(3)} ms, elapsed p50 ${cost.p50Ms.toFixed(3)} ms, p99 ${cost.p99Ms.toFixed(3)} ms`,
);
console.log(`  processes started: ${cost.childFaults === 0 ? 'none' : 'some'}\n`);

const { off, on, doubts } = await toggled();
console.log(
  `time from the upstream's write to the caller, ms; ${streams} streams, a token every ${intervalMs} ms each`,
);
console.log(`  telemetry off  p50 ${spread(off.map(p50), 3)}  p99 ${spread(off.map(p99), 3)}`);
console.log(`  telemetry on   p50 ${spread(on.map(p50), 3)}  p99 ${spread(on.map(p99), 3)}\n`);

const ratio = median(on.map(p99)) / median(off.map(p99));
const bars = [
  { name: 'P16 CPU ms a tick', figure: cost.cpuMs, limit: 1 },
  { name: 'P16 processes a tick', figure: cost.childFaults === 0 ? 0 : 1, limit: 0 },
  { name: 'P16 token p99, on ÷ off', figure: ratio, limit: 1.1 },
];
console.log('bar                       figure   limit');
for (const { name, figure, limit } of bars) {
  const verdict = figure <= limit ? 'holds' : 'MISSED';
  console.log(`${name.padEnd(24)} ${figure.toFixed(2).padStart(7)} ${limit.toFixed(2).padStart(7)}   ${verdict}`);
}
for (const doubt of doubts) console.log(`no verdict: ${doubt}`);
process.exitCode = doubts.length > 0 ? 2 : bars.every(({ figure, limit }) => figure <= limit) ? 0 : 1;

async function tickCost(ticks: number): Promise<z.infer<typeof costSchema>> {
  const script = fileURLToPath(new URL('../integration/telemetry/ticking-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(ticks)]);
  return costSchema.parse(JSON.parse(stdout));
}

/** Rounds of the same load, telemetry off and on by turns, which comes first changing too. */
async function toggled(): Promise<{ off: LoadFigures[]; on: LoadFigures[]; doubts: string[] }> {
  await using fake = await FakeOpenAi.start(pinTo('1'));
  await fake.behave({ tokens, intervalMs, stamp: true });
  await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
  await callers.next();
  await using arm = new BenchProcess(pinTo('0'), 'sampler-arm.ts', [String(fake.port)]);
  const { port } = await arm.next<{ port: number }>();

  const round = async (telemetry: boolean): Promise<LoadFigures> => {
    const switched = arm.next();
    arm.send({ telemetry } satisfies ArmSwitch);
    await switched;
    const order: LoadOrder = { port, callers: streams, stream: true, tokens, warmUpMs: 1_000, measureMs };
    const begun = callers.next();
    callers.send(order);
    await begun;
    await callers.next();
    return callers.next<LoadFigures>();
  };
  const measureMs = Number(values.seconds) * 1_000;
  // For the compilers only.
  await round(true);
  const done = { off: [] as LoadFigures[], on: [] as LoadFigures[] };
  for (let index = 0; index < rounds; index += 1) {
    for (const telemetry of index % 2 === 0 ? [false, true] : [true, false]) {
      done[telemetry ? 'on' : 'off'].push(await round(telemetry));
    }
  }
  return { ...done, doubts: [...done.off, ...done.on].flatMap(doubtsAbout) };
}

function doubtsAbout({ wrong, tokens: seen, elapsedMs }: LoadFigures): string[] {
  const rate = (seen * 1_000) / elapsedMs;
  const least = floor * streams * (1_000 / intervalMs);
  const slow = rate < least ? [`${rate.toFixed(0)} tokens/s came through, ${least.toFixed(0)} are needed`] : [];
  return [...wrong, ...slow];
}

function p50({ tokenMs }: LoadFigures): number {
  return median(tokenMs);
}

function p99({ tokenMs }: LoadFigures): number {
  return quantile(tokenMs, 0.99);
}
