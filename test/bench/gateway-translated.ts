/**
 * Bar P5: streams that are translated. The gateway, with everything on, before an engine of OpenAI's dialect, asked in
 * Anthropic's and in Ollama's, beside @musistudio/llms doing the first of these; of Ollama's it knows nothing, so the
 * same figures stand for both. That package is installed into a folder of its own when it is not there.
 *
 *   node test/bench/gateway-translated.ts [--rounds 4] [--seconds 3] [--streams 64] [--peer FOLDER]
 *
 * Exit codes: 0 the bars hold, 1 one was missed, 2 no verdict (a wrong answer, a busy machine, or no such package).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { ArmBundle } from './gateway-bundle.ts';
import { Arm, BenchProcess, judge, median, pinTo, quantile, spread, type Bar, type Round } from './gateway-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
    streams: { type: 'string', default: '64' },
    peer: { type: 'string', default: join(homedir(), '.cache', 'ranch-hand-bench-peers', 'llms-1.0.53') },
  },
});
const peerVersion = '@musistudio/llms@1.0.53';
const tokens = 64;
/** The other proxy must not be beyond its limit: what it adds would be a queue. */
const intervalMs = 25;
/** Share of the nominal rate that every arm must deliver. */
const floor = 0.6;
const streams = Number(values.streams);
const measureMs = Number(values.seconds) * 1000;

if (!installed(values.peer)) {
  console.error(`No verdict: ${peerVersion} is not there and could not be installed into ${values.peer}.`);
  process.exit(2);
}

await using bundle = await ArmBundle.make();
await using fake = await FakeOpenAi.start(pinTo('1'));
await using callers = new BenchProcess(pinTo('1'), 'gateway-load.ts');
await callers.next();
const upstreamPort = fake.port;
await using gateway = await Arm.start(bundle, pinTo('0'), { kind: 'gateway', upstreamPort });
await using other = await Arm.start(bundle, pinTo('0'), { kind: 'llms', upstreamPort, folder: values.peer });
await fake.behave({ tokens, intervalMs, stamp: true });

const ways = [
  { name: 'gateway, Anthropic', arm: gateway, dialect: 'anthropic', model: 'fake-model' },
  { name: 'gateway, Ollama', arm: gateway, dialect: 'ollama', model: 'fake-model' },
  { name: 'llms, Anthropic', arm: other, dialect: 'anthropic', model: 'fake,fake-model' },
] as const;
type Way = (typeof ways)[number];

const done = new Map<Way, Round[]>(ways.map((way) => [way, []]));
for (const way of ways) await round(way, 4_000);
for (let index = 0; index < Number(values.rounds); index += 1) {
  for (const way of index % 2 === 0 ? ways : ways.toReversed()) done.get(way)?.push(await round(way, measureMs));
}

const doubts: string[] = [];
console.log(
  `${streams} streams, a token every ${intervalMs} ms; ${values.rounds} rounds of ${values.seconds} s each\n`,
);
console.log('arm                  added TTFT p50 ms      p99 ms                 CPU µs/token           tokens/s');
const [anthropic, ollama, peer] = [show(ways[0]), show(ways[1]), show(ways[2])];
judge([...against('Anthropic', anthropic), ...against('Ollama', ollama)], doubts);

function round({ arm, dialect, model }: Way, forMs: number): Promise<Round> {
  return arm.round(callers, {
    callers: streams,
    stream: true,
    tokens,
    warmUpMs: 1_000,
    measureMs: forMs,
    dialect,
    model,
  });
}

function against(name: string, ours: { p50: number; cpu: number }): Bar[] {
  return [
    { name: `P5 ${name}: CPU/token, of llms`, value: ours.cpu / peer.cpu, limit: 0.7, holds: 'at most' },
    { name: `P5 ${name}: TTFT p50, of llms`, value: ours.p50 / peer.p50, limit: 0.4, holds: 'at most' },
  ];
}

function show(way: Way): { p50: number; cpu: number } {
  const all = done.get(way) ?? [];
  for (const { load } of all) for (const wrong of load.wrong) doubts.push(`${way.name} answered wrongly: ${wrong}`);
  const p50s = all.map(({ load }) => median(load.addedFirstMs));
  const p99s = all.map(({ load }) => quantile(load.addedFirstMs, 0.99));
  const cpus = all.map(({ load, cpuMicros }) => cpuMicros / load.tokens);
  const rates = all.map(({ load }) => (load.tokens * 1000) / load.elapsedMs);
  const least = streams * (1000 / intervalMs) * floor;
  if (median(rates) < least)
    doubts.push(`${way.name} delivered ${median(rates).toFixed(0)} tokens/s of ${least.toFixed(0)}`);
  const cells = [spread(p50s, 2), spread(p99s, 1), spread(cpus, 1), spread(rates, 0)];
  console.log(`${way.name.padEnd(20)} ${cells.map((cell) => cell.padEnd(22)).join(' ')}`);
  return { p50: median(p50s), cpu: median(cpus) };
}

function installed(folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', '@musistudio', 'llms', 'package.json'))) return true;
  console.log(`installing ${peerVersion} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const line = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '-E', peerVersion];
  return spawnSync('npm', line, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
