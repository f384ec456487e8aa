/**
 * Callers who leave the gateway at random moments, with a real llama-server behind it: what is left of them. Needs the
 * built agent (`npm run build`) and Linux.
 *
 *   node test/bench/gateway-aborts.ts [--count 1000] [--seed 1] [--slots 4]
 *
 * Exit codes: 0 nothing is left after a second, 1 something is, 2 no verdict (no test engines).
 */
import { copyFileSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import type { NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { AgentProcess } from '../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { enginePids, snapshotWhere } from '../integration/agent/real-agent.ts';
import { atRest } from '../integration/agent/sdk-engine-rest.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    slots: { type: 'string', default: '4' },
  },
});
const count = Number(values.count);
/** Twice as many callers as slots: some leave while they wait for one. */
const callers = 2 * Number(values.slots);
const mostDelayMs = 600;
/** As the engine asks its server to read on a processor. */
const stepTokens = 128;
const idleLimitMs = 1_000;
/** That an engine rests shows only after it has been watched for a moment. */
const restLimitMs = idleLimitMs + 250;
const routes = ['/v1/chat/completions', '/v1/messages', '/api/chat'] as const;

type Moment = 'before the head' | 'in the answer' | 'not at all: it was answered';

const folder = testEnginesFolder(process.env);
const program = findTestEngine(folder, 'llama-server');
const model = findTestEngine(folder, 'gemma');
if (program === undefined || model === undefined) {
  console.log('no verdict: the test engines are not there (node build/test-engines.ts llama-server gemma)');
  process.exit(2);
}
const dataDir = makeTempFolder();
try {
  mkdirSync(join(dataDir, 'models'), { recursive: true });
  copyFileSync(model, join(dataDir, 'models', 'aborts.gguf'));
  await using agent = new AgentProcess({
    dataDir,
    args: ['--set', 'models.default=aborts', '--set', 'models.servingCheck=false'],
    env: {
      RANCH_HAND_ENGINES_LLAMA_SERVER_ENABLED: 'true',
      RANCH_HAND_ENGINES_LLAMA_SERVER_PATH: program,
      RANCH_HAND_ENGINES_LLAMA_SERVER_PARALLEL: values.slots,
      RANCH_HAND_ENGINES_LLAMA_SERVER_CONTEXT_LENGTH: '1024',
      RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false',
    },
  });
  await agent.ready();
  process.exitCode = (await abortAll(agent)) ? 0 : 1;
} finally {
  removeFolder(dataDir);
}

async function abortAll(agent: AgentProcess): Promise<boolean> {
  const ready = await snapshotWhere(
    agent,
    ({ models }) => models.some((each) => each.isDefault && each.loaded),
    120_000,
  );
  const engine = enginePids(ready);
  const watched = [agent.child.pid ?? 0, ...engine];
  const chance = randomOf(Number(values.seed));
  const pool = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const left = new Map<string, number>();
  // The first request opens what stays open.
  await leave(agent, pool, chance, 60_000, 1);
  const before = watched.map(socketsOf);
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const delayMs = chance() < 0.1 ? 0 : chance() * mostDelayMs;
      const moment = await leave(agent, pool, chance, delayMs, 600);
      left.set(moment, (left.get(moment) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  pool.destroy();
  const overMs = performance.now();
  const isIdle = ({ gateway, engines }: NodeSnapshot): boolean =>
    gateway.inFlight === 0 && gateway.queued === 0 && engines.every(({ slots }) => slots.busy === 0);
  const end = await snapshotWhere(agent, isIdle, 60_000);
  const idleMs = performance.now() - overMs;
  await atRest(engine, 60_000);
  const restMs = performance.now() - overMs;
  // Connections that wait for more requests are closed by both sides in their time; more than before were left.
  const after = watched.map(socketsOf);
  const more = after.map((sockets, at) => sockets - (before[at] ?? 0));
  const restarts = end.engines.reduce((sum, each) => sum + each.restarts, 0);
  console.log(`${count} callers left: ${[...left].map(([moment, many]) => `${many} ${moment}`).join(', ')}`);
  console.log(`no request under way after ${idleMs.toFixed(0)} ms, the engine at rest after ${restMs.toFixed(0)} ms`);
  console.log(`one step of reading, which nothing breaks off, takes it ${(await stepMs(agent)).toFixed(0)} ms`);
  console.log(`sockets more than before: agent ${more[0]}, engine ${more[1]}; restarts ${restarts}`);
  return idleMs <= idleLimitMs && restMs <= restLimitMs && more.every((sockets) => sockets <= 0) && restarts === 0;
}

/** One caller, who asks in some dialect for a long answer and leaves after that long. */
function leave(
  agent: AgentProcess,
  pool: Agent,
  chance: () => number,
  delayMs: number,
  tokens: number,
): Promise<Moment> {
  const route = routes[Math.floor(chance() * routes.length)] ?? routes[0];
  const content = 'The horses of the ranch. '.repeat(1 + Math.floor(chance() * 60));
  const limit = route === '/api/chat' ? { options: { num_predict: tokens } } : { max_tokens: tokens };
  const messages = [{ role: 'user', content }];
  const body = JSON.stringify({ model: 'aborts', messages, stream: chance() < 0.7, ...limit });
  return new Promise((resolve) => {
    let moment: Moment = 'before the head';
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(new URL(route, agent.gatewayUrl), { method: 'POST', agent: pool, headers }, (response) => {
      moment = 'in the answer';
      response.resume();
      response.on('end', () => (moment = 'not at all: it was answered'));
      response.on('error', () => undefined);
    });
    sent.on('error', () => undefined);
    const timer = setTimeout(() => sent.destroy(), delayMs);
    sent.on('close', () => {
      clearTimeout(timer);
      resolve(moment);
    });
    sent.end(body);
  });
}

/** How long the engine reads at a stretch, measured when it has nothing else to do. */
async function stepMs(agent: AgentProcess): Promise<number> {
  const content = 'A step of reading has that many words or so. '.repeat(stepTokens / 10);
  const answer = await fetch(new URL('/v1/chat/completions', agent.gatewayUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'aborts', max_tokens: 1, messages: [{ role: 'user', content }] }),
  });
  const { timings } = (await answer.json()) as { timings: { prompt_n: number; prompt_ms: number } };
  return (timings.prompt_ms / Math.max(1, timings.prompt_n)) * stepTokens;
}

function socketsOf(pid: number): number {
  const fds = `/proc/${pid}/fd`;
  return readdirSync(fds).filter((name) => {
    try {
      return readlinkSync(join(fds, name)).startsWith('socket:');
    } catch {
      return false; // It was closed meanwhile.
    }
  }).length;
}

/** Figures from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
