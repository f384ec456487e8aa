/**
 * Bar P4: answers that are not streamed, as many a second as there can be, through the gateway with everything on and
 * through a bare node:http pipe. The arm has a core of its own and is never idle; callers and upstream share another.
 *
 *   node test/bench/gateway-requests.ts [--rounds 7] [--seconds 4]
 *
 * Exit codes: 0 the bar holds, 1 it was missed, 2 no verdict (a wrong answer, or the machine was too busy).
 */
import { parseArgs } from 'node:util';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { ArmBundle } from './gateway-bundle.ts';
import { Arm, BenchProcess, judge, median, pinTo, spread, type Round } from './gateway-rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '4' } },
});
const rounds = Number(values.rounds);
const measureMs = Number(values.seconds) * 1000;
const load = { callers: 64, stream: false, tokens: 8 } as const;
/** Answers a second that the pipe must give for a verdict: a free core gives several thousand. */
const floor = 1_500;

await using bundle = await ArmBundle.make();
await using fake = await FakeOpenAi.start(pinTo('1'));
await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
await callers.next();
const upstreamPort = fake.port;
await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort });
await using pipe = await Arm.start(bundle, pinTo('0'), { kind: 'pipe', upstreamPort });
await fake.behave({ tokens: load.tokens, intervalMs: 0 });

// A burst for the compilers, the same for both arms.
for (const arm of [gateway, pipe]) await arm.round(callers, { ...load, warmUpMs: 1_000, measureMs: 4_000 });

const done = new Map<Arm, Round[]>([
  [gateway, []],
  [pipe, []],
]);
for (let index = 0; index < rounds; index += 1) {
  for (const arm of index % 2 === 0 ? [gateway, pipe] : [pipe, gateway]) {
    done.get(arm)?.push(await arm.round(callers, { ...load, warmUpMs: 500, measureMs }));
  }
}

const doubts: string[] = [];
console.log(`${load.callers} callers, 1 KB of body; ${rounds} rounds of ${measureMs / 1000} s each\n`);
console.log('arm      requests/s               CPU µs/request');
const [ours, theirs] = [show(gateway), show(pipe)];
if (theirs.rate < floor) doubts.push(`the pipe gave ${theirs.rate.toFixed(0)} answers a second of ${floor}`);
judge([{ name: 'P4 requests/s, of the pipe', value: ours.rate / theirs.rate, limit: 1.5, holds: 'at least' }], doubts);

function show(arm: Arm): { rate: number } {
  const all = done.get(arm) ?? [];
  for (const { load } of all) for (const wrong of load.wrong) doubts.push(`${arm.name} answered wrongly: ${wrong}`);
  const rates = all.map(({ load }) => (load.requests * 1000) / load.elapsedMs);
  const cpus = all.map(({ load, cpuMicros }) => cpuMicros / load.requests);
  console.log(`${arm.name.padEnd(8)} ${spread(rates, 0).padEnd(24)} ${spread(cpus, 0)}`);
  return { rate: median(rates) };
}
