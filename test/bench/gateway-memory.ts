/**
 * Bar P6: the gateway's memory with 512 streams at once and half a minute after them, beside a bare node:http pipe. Each
 * arm is a new process in every round: a peak is of a process's whole life.
 *
 *   node test/bench/gateway-memory.ts [--rounds 3] [--streams 512] [--seconds 8] [--rest 30]
 *
 * Exit codes: 0 the bars hold, 1 one was missed, 2 no verdict (a wrong answer, too few tokens, or no Linux).
 */
import { parseArgs } from 'node:util';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { ArmBundle } from './gateway-bundle.ts';
import { Arm, BenchProcess, judge, median, pinTo, spread } from './gateway-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    streams: { type: 'string', default: '512' },
    seconds: { type: 'string', default: '8' },
    rest: { type: 'string', default: '30' },
  },
});
const streams = Number(values.streams);
const measureMs = Number(values.seconds) * 1000;
const restMs = Number(values.rest) * 1000;
const tokens = 64;
const intervalMs = 50;
/** Share of the nominal rate that the pipe must deliver for the streams to have been there at once. */
const floor = 0.6;
const mebi = 1024 * 1024;

/** Resident memory of one arm, bytes. */
interface Weighed {
  readonly idle: number;
  readonly peak: number;
  readonly after: number;
}

await using bundle = await ArmBundle.make();
await using fake = await FakeOpenAi.start(pinTo('1'));
await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
await callers.next();
await fake.behave({ tokens, intervalMs, stamp: true });

const doubts: string[] = [];
const gateways: Weighed[] = [];
const pipes: Weighed[] = [];
for (let round = 0; round < Number(values.rounds); round += 1) {
  await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort: fake.port });
  await using pipe = await Arm.start(bundle, pinTo('0'), { kind: 'pipe', upstreamPort: fake.port });
  const order = round % 2 === 0 ? [gateway, pipe] : [pipe, gateway];
  const begun = [];
  for (const arm of order) begun.push({ arm, ...(await load(arm)) });
  // Both rest at the same time.
  await pause(restMs);
  for (const { arm, idle, peak } of begun) {
    const { rssBytes } = await arm.figures();
    (arm === gateway ? gateways : pipes).push({ idle, peak, after: rssBytes });
  }
}

console.log(`${streams} streams, a token every ${intervalMs} ms; ${values.rounds} rounds\n`);
console.log('arm      idle MiB                 peak MiB                 after MiB');
const [ours, theirs] = [show('gateway', gateways), show('pipe', pipes)];
judge(
  [
    {
      name: `P6 peak with ${streams} streams, of the pipe`,
      value: ours.peak / theirs.peak,
      limit: 1.1,
      holds: 'at most',
    },
    { name: `P6 after ${values.rest} s, of idle`, value: ours.after / ours.idle, limit: 1.2, holds: 'at most' },
  ],
  doubts,
);

/** A few requests, so that all of the code is loaded; then idle; then all streams at once. */
async function load(arm: Arm): Promise<{ idle: number; peak: number }> {
  await arm.round(callers, { callers: 16, stream: true, tokens, warmUpMs: 4_000, measureMs: 500 });
  await pause(3_000);
  const { rssBytes } = await arm.figures();
  const { load, after } = await arm.round(callers, {
    callers: streams,
    stream: true,
    tokens,
    warmUpMs: 1_000,
    measureMs,
  });
  for (const wrong of load.wrong) doubts.push(`${arm.name} answered wrongly: ${wrong}`);
  const share = load.tokens / (((streams * measureMs) / intervalMs) * floor);
  if (share < 1) doubts.push(`${arm.name} delivered ${(share * floor * 100).toFixed(0)} % of the tokens`);
  if (after.peakBytes === null) doubts.push('this system does not tell how much memory was taken at most');
  return { idle: rssBytes, peak: after.peakBytes ?? Number.NaN };
}

function show(name: string, all: readonly Weighed[]): Weighed {
  const of = (pick: (weighed: Weighed) => number): number[] => all.map((each) => pick(each) / mebi);
  const [idle, peak, after] = [of((each) => each.idle), of((each) => each.peak), of((each) => each.after)];
  console.log(`${name.padEnd(8)} ${[idle, peak, after].map((list) => spread(list, 1).padEnd(24)).join(' ')}`);
  return { idle: median(idle), peak: median(peak), after: median(after) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
