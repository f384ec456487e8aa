/**
 * Bars P1 and P2: what the gateway, with everything on, adds to a pass-through stream, against a bare node:http pipe in
 * the same run. Rounds alternate between the arms, each a process of its own on a core of its own.
 *
 *   node test/bench/gateway-pass-through.ts [--rounds 5] [--seconds 3]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict (a wrong answer, or the machine was too busy).
 */
import { parseArgs } from 'node:util';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { ArmBundle } from './gateway-bundle.ts';
import { Arm, BenchProcess, judge, median, pinTo, quantile, spread, type Bar, type Round } from './gateway-rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const measureMs = Number(values.seconds) * 1000;
const tokens = 64;
const intervalMs = 5;
/** Share of the nominal rate that the pipe must deliver for its figures to mean anything. */
const floor = 0.6;

await using bundle = await ArmBundle.make();
await using fake = await FakeOpenAi.start(pinTo('1'));
await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
await callers.next();
await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort: fake.port });
await using pipe = await Arm.start(bundle, pinTo('0'), { kind: 'pipe', upstreamPort: fake.port });
await fake.behave({ tokens, intervalMs, stamp: true });

// A burst for the compilers, the same for both arms: what is measured is a node that has run for a while.
for (const arm of [gateway, pipe]) {
  await arm.round(callers, { callers: 128, stream: true, tokens, warmUpMs: 1_000, measureMs: 4_000 });
}

const bars: Bar[] = [];
const doubts: string[] = [];
console.log(`${tokens} tokens a stream, one every ${intervalMs} ms; ${rounds} rounds of ${measureMs / 1000} s each\n`);
console.log('streams  arm      added TTFT p50 ms      p99 ms                 CPU µs/token           tokens/s');

for (const streams of [16, 128]) {
  const done = await runRounds(streams);
  const ours = show('gateway', streams, done.gateway);
  const theirs = show('pipe', streams, done.pipe);
  bars.push({ name: `P1 p50 at ${streams}`, value: ours.p50 / theirs.p50, limit: 1.0, holds: 'at most' });
  if (streams === 128) {
    bars.push({ name: 'P1 p99 at 128', value: ours.p99 / theirs.p99, limit: 0.6, holds: 'at most' });
    bars.push({ name: 'P2 CPU/token at 128', value: ours.cpu / theirs.cpu, limit: 0.9, holds: 'at most' });
  }
  const nominal = streams * (1000 / intervalMs) * floor;
  if (theirs.rate < nominal)
    doubts.push(`the pipe delivered ${theirs.rate.toFixed(0)} tokens/s of ${nominal.toFixed(0)}`);
}

judge(bars, doubts);

async function runRounds(streams: number): Promise<{ gateway: Round[]; pipe: Round[] }> {
  const done = { gateway: [] as Round[], pipe: [] as Round[] };
  const order = { callers: streams, stream: true, tokens, warmUpMs: 1_000, measureMs };
  // The first of each finds the connections of another load, so it does not count.
  for (const arm of [gateway, pipe]) await arm.round(callers, order);
  for (let index = 0; index < rounds; index += 1) {
    const pair = index % 2 === 0 ? [gateway, pipe] : [pipe, gateway];
    for (const arm of pair) done[arm === gateway ? 'gateway' : 'pipe'].push(await arm.round(callers, order));
  }
  return done;
}

function show(
  name: string,
  streams: number,
  all: readonly Round[],
): { p50: number; p99: number; cpu: number; rate: number } {
  const p50s = all.map(({ load }) => median(load.addedFirstMs));
  const p99s = all.map(({ load }) => quantile(load.addedFirstMs, 0.99));
  const cpus = all.map(({ load, cpuMicros }) => cpuMicros / load.tokens);
  const rates = all.map(({ load }) => (load.tokens * 1000) / load.elapsedMs);
  for (const { load } of all) for (const wrong of load.wrong) doubts.push(`${name} answered wrongly: ${wrong}`);
  console.log(
    [
      String(streams).padEnd(8),
      name.padEnd(8),
      spread(p50s, 3).padEnd(22),
      spread(p99s, 2).padEnd(22),
      spread(cpus, 1).padEnd(22),
      spread(rates, 0),
    ].join(' '),
  );
  return { p50: median(p50s), p99: median(p99s), cpu: median(cpus), rate: median(rates) };
}
