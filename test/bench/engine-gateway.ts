/**
 * Bar P10 on the engines that people run themselves: tokens per second through the gateway against the same llama-server
 * and the same Ollama asked directly, in turns, and what the agent's process costs meanwhile. Needs the built agent
 * (`npm run build`), the test engines and Linux.
 *
 *   node test/bench/engine-gateway.ts [--rounds 5] [--tokens 96]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { AgentProcess } from '../fixtures/agent-process.ts';
import { freePort, RealOllama } from '../fixtures/real-ollama.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { judge, median, spread, type Bar } from './gateway-rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, tokens: { type: 'string', default: '96' } },
});
const rounds = Number(values.rounds);
const tokens = Number(values.tokens);
const model = 'bench';
/** Below this the machine was too busy for a verdict: the 270M model decodes at 30 and more on two free cores. */
const floorTokensPerSecond = 5;
const startLimitMs = 60_000;

const engines = testEnginesFolder(process.env);
const weights = findTestEngine(engines, 'gemma');
const llamaServer = findTestEngine(engines, 'llama-server');
const ollamaProgram = findTestEngine(engines, 'ollama');
if (!weights || !llamaServer || !ollamaProgram || process.platform !== 'linux') {
  console.error('No verdict: this bench needs Linux and node build/test-engines.ts gemma llama-server ollama');
  process.exit(2);
}

const bars: Bar[] = [];
const doubts: string[] = [];
const folder = makeTempFolder();
console.log(`${rounds} rounds, ${tokens} tokens an answer\n`);
console.log('engine        direct tokens/s      through the gateway   ratio                agent, % of a core at 50/s');
try {
  {
    await using server = await startLlamaServer(llamaServer, weights);
    await measure('llama-server', server.url);
  }
  await using ollama = await RealOllama.start({ program: ollamaProgram, folder });
  await ollama.create(model, weights);
  await measure('Ollama', ollama.url);
} finally {
  removeFolder(folder);
}
judge(bars, doubts);

async function measure(name: string, url: string): Promise<void> {
  const dataDir = makeTempFolder();
  try {
    const listed = [{ id: model, contextLength: 2_048 }];
    const upstreams = [{ id: 'engine', url, dialect: 'openai', models: listed, slots: 4 }];
    writeFileSync(join(dataDir, 'config.json'), JSON.stringify({ version: 1, upstreams }));
    await using agent = new AgentProcess({ dataDir, env: { RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false' } });
    await agent.ready();
    await compare(name, url, agent);
  } finally {
    removeFolder(dataDir);
  }
}

async function compare(name: string, url: string, agent: AgentProcess): Promise<void> {
  for (const each of [url, agent.gatewayUrl]) await tokensPerSecond(each);
  const [alone, through, ratios, shares]: number[][] = [[], [], [], []];
  const direct = async (): Promise<number> => tokensPerSecond(url);
  const viaGateway = async (): Promise<number> => {
    const before = { cpu: cpuSeconds(agent.file.pid), ms: performance.now() };
    const speed = await tokensPerSecond(agent.gatewayUrl);
    const wallS = (performance.now() - before.ms) / 1_000;
    shares?.push(((100 * (cpuSeconds(agent.file.pid) - before.cpu)) / wallS) * (50 / speed));
    return speed;
  };
  for (let round = 0; round < rounds; round += 1) {
    const first = round % 2 === 0 ? await direct() : null;
    const ours = await viaGateway();
    const theirs = first ?? (await direct());
    alone?.push(theirs);
    through?.push(ours);
    ratios?.push(ours / theirs);
  }
  report(name, { alone: alone ?? [], through: through ?? [], ratios: ratios ?? [], shares: shares ?? [] });
}

interface Figures {
  readonly alone: readonly number[];
  readonly through: readonly number[];
  readonly ratios: readonly number[];
  readonly shares: readonly number[];
}

function report(name: string, { alone, through, ratios, shares }: Figures): void {
  const cells = [spread(alone, 1), spread(through, 1), spread(ratios, 3), spread(shares, 2)];
  console.log(`${name.padEnd(13)} ${cells.map((cell) => cell.padEnd(20)).join(' ')}`);
  // Processor time is told in hundredths of a second, so single rounds are coarse and the mean is not.
  const share = shares.reduce((sum, each) => sum + each, 0) / shares.length;
  bars.push({ name: `P10 ${name}: tokens/s, of direct`, value: median(ratios), limit: 0.99, holds: 'at least' });
  bars.push({ name: `P10 ${name}: % of a core at 50 tokens/s`, value: share, limit: 1, holds: 'at most' });
  if (median(alone) < floorTokensPerSecond) doubts.push(`${name} gave ${median(alone).toFixed(1)} tokens/s by itself`);
}

/** Decode speed of one streamed answer, by the times at which its tokens arrive here. */
async function tokensPerSecond(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'Write a long story about a horse. Do not stop.' }],
      max_tokens: tokens,
      seed: 7,
      temperature: 0,
      stream: true,
    }),
  });
  if (!response.ok || !response.body) throw new Error(`status ${response.status}: ${await response.text()}`);
  let [count, firstMs, lastMs, text] = [0, 0, 0, ''];
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    const carrying = events.filter((event) => /"content":"[^"]/.test(event)).length;
    if (carrying === 0) continue;
    lastMs = performance.now();
    if (count === 0) firstMs = lastMs;
    count += carrying;
  }
  if (count < tokens * 0.5) throw new Error(`only ${count} of ${tokens} tokens arrived`);
  return ((count - 1) * 1_000) / (lastMs - firstMs);
}

/** Seconds of processor time that a process has used, all threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function startLlamaServer(program: string, file: string): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const line = ['--host', '127.0.0.1', '--port', String(port), '-m', file, '--alias', model, '-c', '8192', '-np', '4'];
  const child = spawn(program, line, { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const url = `http://127.0.0.1:${port}`;
  for (const beganMs = performance.now(); performance.now() - beganMs < startLimitMs;) {
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok === true) return { url, [Symbol.asyncDispose]: stop };
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await stop();
  throw new Error('llama-server did not become ready');
}
