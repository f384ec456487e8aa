/**
 * Bar P3: how many streams of 40 tokens a second one core holds: every frame there, and 99 of 100 tokens less than 50 ms
 * late. The gateway with everything on, a bare node:http pipe, and callers that ask the upstream directly, which is what
 * callers and upstream on the other core can do at all. Then the gateway past its limit: with as many slots as it holds
 * and half as many callers again, it turns those away at once who find no place, and the others lose nothing.
 *
 *   node test/bench/gateway-streams.ts [--step 64] [--most 1536] [--seconds 4]
 *
 * Exit codes: 0 the bars hold, 1 one was missed, 2 no verdict (a wrong answer, or the machine was too busy).
 */
import { parseArgs } from 'node:util';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { ArmBundle } from './gateway-bundle.ts';
import { Arm, BenchProcess, judge, pinTo, quantile, type Bar } from './gateway-rounds.ts';
import type { LoadFigures, LoadOrder } from './gateway-load.ts';

const { values } = parseArgs({
  options: {
    step: { type: 'string', default: '64' },
    most: { type: 'string', default: '1536' },
    seconds: { type: 'string', default: '4' },
  },
});
const step = Number(values.step);
const rungs = Math.floor(Number(values.most) / step);
const measureMs = Number(values.seconds) * 1000;
const tokens = 64;
const intervalMs = 25;
const lateMs = 50;
/** Share of the nominal tokens: the upstream's own timers take a little longer than they are told. */
const enough = 0.9;
/** Streams that the pipe must hold for a verdict. */
const floor = 128;

await using bundle = await ArmBundle.make();
await using fake = await FakeOpenAi.start(pinTo('1'));
await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
await callers.next();
const upstreamPort = fake.port;
await fake.behave({ tokens, intervalMs, stamp: true });
const doubts: string[] = [];

console.log(`a token every ${intervalMs} ms; ${values.seconds} s a rung\n`);
console.log('arm         streams   late p99 ms   tokens of nominal   held');
const direct = await ladder('direct', (callers) => askDirectly(callers));
const held = { gateway: 0, pipe: 0 };
{
  await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort });
  await using pipe = await Arm.start(bundle, pinTo('0'), { kind: 'pipe', upstreamPort });
  for (const arm of [gateway, pipe]) await through(arm, 128);
  held.pipe = await ladder('pipe', (streams) => through(pipe, streams));
  held.gateway = await ladder('gateway', (streams) => through(gateway, streams));
}
if (held.pipe < floor) doubts.push(`the pipe held ${held.pipe} streams of ${floor}`);
if (held.gateway >= direct)
  console.log('\nThe gateway held all that the callers and the upstream could do themselves.');
const bars: Bar[] = [
  { name: 'P3 streams held, of the pipe', value: held.gateway / held.pipe, limit: 1.5, holds: 'at least' },
];
bars.push(...(await pastTheLimit(Math.max(step, held.gateway - step))));
judge(bars, doubts);

/** The highest rung that is held, found by halving: a rung above one that is not held is not held either. */
async function ladder(name: string, run: (streams: number) => Promise<LoadFigures>): Promise<number> {
  let [good, bad] = [0, rungs + 1];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (holds(name, middle * step, await run(middle * step))) good = middle;
    else bad = middle;
  }
  return good * step;
}

function holds(name: string, streams: number, load: LoadFigures): boolean {
  const late = quantile(load.tokenMs, 0.99);
  const share = load.tokens / (streams * (load.elapsedMs / intervalMs));
  const held = load.wrong.length === 0 && late < lateMs && share >= enough;
  const cells = [
    name.padEnd(11),
    String(streams).padStart(7),
    late.toFixed(1).padStart(13),
    share.toFixed(2).padStart(19),
  ];
  console.log(`${cells.join(' ')}   ${held ? 'yes' : 'no'}`);
  for (const wrong of load.wrong) doubts.push(`${name} answered wrongly: ${wrong}`);
  return held;
}

async function pastTheLimit(slots: number): Promise<Bar[]> {
  await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort, slots });
  await through(gateway, Math.min(128, slots));
  const load = await through(gateway, Math.round(slots * 1.5) + 64, true);
  const share = load.tokens / (slots * (load.elapsedMs / intervalMs));
  const [late, refused] = [quantile(load.tokenMs, 0.99), quantile(load.refusedMs, 0.99)];
  console.log(
    `\npast the limit: ${slots} slots, ${Math.round(slots * 1.5) + 64} callers: ${load.refusedMs.length} turned away, p99 ${refused.toFixed(1)} ms; ` +
      `tokens p99 ${late.toFixed(1)} ms late`,
  );
  for (const wrong of load.wrong) doubts.push(`past the limit: ${wrong}`);
  if (load.refusedMs.length === 0) doubts.push('nobody was turned away');
  return [
    { name: 'P3 turned away within, p99 ms', value: refused, limit: 50, holds: 'at most' },
    { name: 'P3 tokens past the limit, of nominal', value: share, limit: 0.8, holds: 'at least' },
  ];
}

function order(streams: number, mayRefuse: boolean): Omit<LoadOrder, 'port'> {
  return { callers: streams, stream: true, tokens, warmUpMs: 2_000, measureMs, mayRefuse };
}

async function through(arm: Arm, streams: number, mayRefuse = false): Promise<LoadFigures> {
  return (await arm.round(callers, order(streams, mayRefuse))).load;
}

async function askDirectly(streams: number): Promise<LoadFigures> {
  callers.send({ ...order(streams, false), port: upstreamPort } satisfies LoadOrder);
  await callers.next();
  await callers.next();
  return callers.next<LoadFigures>();
}
