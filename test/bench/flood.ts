/**
 * L3: a gateway with a real llama-server is asked for four times what it can do, for a while. Those who are let in get
 * their first token within the goal, the others hear at once that the node is busy and when to come back, and that
 * proves right. Needs the built agent (`npm run build`) and Linux.
 *
 *   node test/bench/flood.ts [--minutes 5] [--goal 2000]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict (no test engines, or nobody was refused).
 */
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { AgentProcess } from '../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, goal: { type: 'string', default: '2000' } },
});
const floodMs = Number(values.minutes) * 60_000;
const goalMs = Number(values.goal);
const tokens = 48;
const callers = 4;
/** Who hears later than this that the node is busy has waited for nothing. */
const atOnceMs = 50;
/** Any number of sockets: callers do not wait for each other. */
const agentOfHttp = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

interface Answer {
  readonly atMs: number;
  readonly status: number;
  /** Until the first token of a good answer, or until the refusal. */
  readonly firstMs: number;
  readonly endMs: number;
  readonly retryAfterS: number | null;
}

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
  copyFileSync(model, join(dataDir, 'models', 'flood.gguf'));
  await using agent = new AgentProcess({
    dataDir,
    env: {
      RANCH_HAND_ENGINES_LLAMA_SERVER_ENABLED: 'true',
      RANCH_HAND_ENGINES_LLAMA_SERVER_PATH: program,
      RANCH_HAND_ENGINES_LLAMA_SERVER_PARALLEL: '4',
      RANCH_HAND_ENGINES_LLAMA_SERVER_CONTEXT_LENGTH: '1024',
      RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false',
      RANCH_HAND_GATEWAY_GOAL_MS: String(goalMs),
      // Reading a short prompt takes the rest of the goal.
      RANCH_HAND_GATEWAY_MAX_WAIT_MS: String(Math.round(goalMs * 0.75)),
    },
  });
  await agent.ready();
  process.exitCode = await flood(agent);
} finally {
  agentOfHttp.destroy();
  removeFolder(dataDir);
}

async function flood(agent: AgentProcess): Promise<number> {
  const url = new URL('/v1/chat/completions', agent.gatewayUrl);
  console.log('waiting for the model');
  for (let first = await ask(url); first.status !== 200; first = await ask(url)) await pause(500);
  const perSecond = await capacity(url);
  console.log(`it can do ${perSecond.toFixed(2)} requests a second; ${values.minutes} minutes at four times that`);
  const beforeBytes = residentBytes(agent);
  const answers: Answer[] = [];
  const open = new Set<Promise<unknown>>();
  const startMs = performance.now();
  let middleBytes = beforeBytes;
  while (performance.now() - startMs < floodMs) {
    await pause(-Math.log(1 - Math.random()) * (1_000 / (perSecond * 4)));
    const asked = ask(url).then((answer) => answers.push(answer));
    open.add(asked);
    void asked.finally(() => open.delete(asked));
    if (performance.now() - startMs < floodMs / 2) middleBytes = residentBytes(agent);
  }
  const patience = new AbortController();
  await Promise.race([Promise.all(open), after(120_000, null, { signal: patience.signal }).catch(() => null)]);
  patience.abort();
  return report(answers, {
    hung: open.size,
    beforeBytes,
    middleBytes,
    afterBytes: residentBytes(agent),
    perSecond,
  });
}

/** What it does with as many callers as it has slots, each asking again as soon as it is answered. */
async function capacity(url: URL): Promise<number> {
  const startMs = performance.now();
  const limitMs = 10_000;
  let done = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - startMs < limitMs) if ((await ask(url)).status === 200) done += 1;
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (done * 1_000) / (performance.now() - startMs);
}

interface Seen {
  readonly hung: number;
  readonly beforeBytes: number;
  readonly middleBytes: number;
  readonly afterBytes: number;
  readonly perSecond: number;
}

function report(answers: readonly Answer[], { hung, beforeBytes, middleBytes, afterBytes, perSecond }: Seen): number {
  const served = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503 || status === 429);
  const others = answers.length - served.length - refused.length;
  const atOnce = refused.map(({ firstMs }) => firstMs);
  const ratios = refused.flatMap((refusal) => honesty(refusal, served));
  const right = ratios.filter((ratio) => ratio >= 0.5 && ratio <= 2).length / Math.max(1, ratios.length);
  const seconds = floodMs / 1_000;
  console.log(`${answers.length} requests, ${served.length} served, ${refused.length} refused, ${others} otherwise`);
  console.log(`served ${((served.length / seconds / perSecond) * 100).toFixed(0)} % of what it can do`);
  const late = atOnce.filter((ms) => ms > atOnceMs).length;
  console.log(`${late} refusals came late, after they had waited for a place`);
  console.log(`memory ${mib(beforeBytes)} MiB before, ${mib(middleBytes)} halfway, ${mib(afterBytes)} at the end\n`);
  const bars = [
    bar(
      'p99 first token of those let in',
      quantile(
        served.map(({ firstMs }) => firstMs),
        0.99,
      ),
      goalMs,
      'ms',
    ),
    bar('p99 of refusals', quantile(atOnce, 0.99), atOnceMs, 'ms'),
    bar('Retry-After wrong by more than a factor of 2', (1 - right) * 100, 10, '%'),
    bar('without Retry-After', refused.filter(({ retryAfterS }) => retryAfterS === null).length, 0, ''),
    bar('neither served nor refused, or hung', others + hung, 0, ''),
    bar('memory at the end against halfway', afterBytes / middleBytes, 1.1, '×'),
  ];
  console.log(
    `median Retry-After ${quantile(
      refused.map(({ retryAfterS }) => retryAfterS ?? 0),
      0.5,
    )} s`,
  );
  if (ratios.length === 0) {
    console.log('no verdict: too few came in that time for anybody to be refused');
    return 2;
  }
  return bars.every(Boolean) ? 0 : 1;
}

/**
 * Retry-After against the time after which one who had waited would have begun: when those who were let in before the
 * refusal had begun, and one more. A second is the least that can be told, so a shorter time counts as one.
 */
function honesty({ atMs, retryAfterS }: Answer, served: readonly Answer[]): number[] {
  if (retryAfterS === null) return [];
  const begun = served.map((answer) => ({ cameMs: answer.atMs, beganMs: answer.atMs + answer.firstMs }));
  const last = Math.max(atMs, ...begun.filter(({ cameMs }) => cameMs <= atMs).map(({ beganMs }) => beganMs));
  const next = Math.min(...begun.filter(({ beganMs }) => beganMs > last).map(({ beganMs }) => beganMs));
  return Number.isFinite(next) ? [(retryAfterS * 1_000) / Math.max(1_000, next - atMs)] : [];
}

function ask(url: URL): Promise<Answer> {
  const atMs = performance.now();
  const body = JSON.stringify({
    model: 'ranch/auto',
    stream: true,
    max_tokens: tokens,
    temperature: 0,
    messages: [{ role: 'user', content: `Count on from ${randomInt(1_000_000)} in words, and do not stop.` }],
  });
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const end = (status: number, retryAfterS: number | null): void => {
      const endMs = performance.now() - atMs;
      resolve({ atMs, status, firstMs: firstMs ?? endMs, endMs, retryAfterS });
    };
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(url, { method: 'POST', agent: agentOfHttp, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString('latin1')).slice(-4_096);
        if (firstMs === null && text.includes('"content":"')) firstMs = performance.now() - atMs;
        // Pings keep the stream alive; an error after one says what became of the request.
      });
      response.on('close', () => {
        const refusal = /"code":"?too_busy/.test(text);
        const after = Number(response.headers['retry-after'] ?? /again in (\d+) s/.exec(text)?.[1]);
        const status = response.statusCode ?? 0;
        end(refusal ? 503 : status === 200 && firstMs === null ? 0 : status, Number.isFinite(after) ? after : null);
      });
    });
    sent.on('error', () => {
      end(0, null);
    });
    sent.end(body);
  });
}

function residentBytes(agent: AgentProcess): number {
  const status = readFileSync(`/proc/${agent.child.pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024;
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function bar(name: string, figure: number, limit: number, unit: string): boolean {
  const holds = figure <= limit;
  console.log(
    `${name.padEnd(46)} ${figure.toFixed(2).padStart(9)} at most ${limit} ${unit}  ${holds ? 'holds' : 'MISSED'}`,
  );
  return holds;
}

function quantile(all: readonly number[], share: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
