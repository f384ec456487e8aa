/**
 * Aborts answers of a real llama-server at random moments and looks what is left of them: `npm run soak:aborts`, or
 * with another count `npm run soak:aborts -- 5000`. The moments come from a seed, so that a run can be repeated.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { freePort } from '../fixtures/real-ollama.ts';
import {
  asSettings,
  catalogModels,
  llamaServer,
  never,
  read,
  request,
} from '../integration/engines/llama-server-rig.ts';

export interface AbortsOptions {
  /** The llama-server's program, and a model that answers for seconds. */
  readonly program: string;
  readonly model: string;
  readonly count: number;
  /** Tokens of an answer that goes on for longer than any caller stays. */
  readonly longTokens: number;
  /**
   * Whether the callers get streams. Those who get whole answers are asked for as the gateway asks the server: as
   * streams that are put together, since a server asked for a whole answer may go on for a minute after its caller.
   */
  readonly streamed: boolean;
  readonly seed: number;
}

export interface AbortsResult {
  /** Requests whose callers left before the head, while the prompt was read, and in the answer. */
  readonly left: { readonly beforeHead: number; readonly inAnswer: number; readonly atEnd: number };
  /** From the last abort until no slot worked. */
  readonly idleMs: number;
  /** How long the server then takes for one step of reading, which nothing breaks off. */
  readonly stepMs: number;
  /**
   * Sockets to the server more than before the first request, which the server had five seconds to let go of; null where
   * the system does not tell.
   */
  readonly socketsLeft: number | null;
  /** How long the next request took, and that it was answered. */
  readonly nextMs: number;
  readonly restarts: number;
}

const slots = 4;
/** As the engine asks its server to read on a processor. */
const stepTokens = 128;
/** Twice as many callers as slots: some leave while they wait for one. */
const callers = 8;
const mostDelayMs = 600;
const lookMs = 50;
/** After the last caller. */
const restMs = 1_000;
const idleLimitMs = 60_000;
const letGoLimitMs = 5_000;

/** Runs the aborts against a server of its own and takes it away again. */
export async function runAborts({
  program,
  model,
  count,
  longTokens,
  streamed,
  seed,
}: AbortsOptions): Promise<AbortsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-aborts-'));
  const [file] = await catalogModels(folder, [model]);
  if (!file) throw new Error('there is no model');
  const port = await freePort();
  const engine = llamaServer(folder, program, {
    settings: { contextLength: longTokens + 1_024, parallel: slots },
    pickPort: () => Promise.resolve(port),
  });
  try {
    await engine.start();
    await engine.load({ id: file.id, file, options: asSettings }, never());
    const chance = randomOf(seed);
    const left = { beforeHead: 0, inAnswer: 0, atEnd: 0 };
    const before = socketsTo(port);
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        left[await leave(engine, { id: file.id, longTokens, streamed }, chance)] += 1;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    const idleMs = await untilIdle(port, join(folder, 'data', 'run'));
    const socketsLeft = await untilLetGo(port, before);
    const startedMs = performance.now();
    const prompt = 'A step of reading has that many words or so. '.repeat(stepTokens / 10);
    const next = request(file.id, { prompt, max_tokens: 1 }, 'completion');
    const { text, error } = await read(await engine.upstream.generate(next, never()));
    if (error) throw error;
    const { timings } = JSON.parse(text) as { timings: { prompt_n: number; prompt_ms: number } };
    return {
      left,
      idleMs,
      stepMs: (timings.prompt_ms / Math.max(1, timings.prompt_n)) * stepTokens,
      socketsLeft,
      nextMs: performance.now() - startedMs,
      restarts: engine.snapshot().restarts,
    };
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One caller who asks for a long answer and leaves at some moment; the answer is when that was. */
async function leave(
  engine: ReturnType<typeof llamaServer>,
  { id, longTokens, streamed }: { readonly id: string; readonly longTokens: number; readonly streamed: boolean },
  chance: () => number,
): Promise<keyof AbortsResult['left']> {
  const gone = new AbortController();
  const body = {
    prompt: 'The horses of the ranch. '.repeat(1 + Math.floor(chance() * 60)),
    stream: true,
    max_tokens: longTokens,
    ignore_eos: true,
  };
  const session = chance() < 0.5 ? { session: `s${Math.floor(chance() * 6)}` } : {};
  const delayMs = chance() < 0.1 ? 0 : chance() * mostDelayMs;
  const timer = setTimeout(() => gone.abort(), delayMs);
  try {
    const asked = { ...request(id, body, 'completion'), ...session, gathered: !streamed };
    const response = await engine.upstream.generate(asked, gone.signal);
    const { error } = await read(response);
    return error ? 'inAnswer' : 'atEnd';
  } catch {
    return 'beforeHead';
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds until the server says of every slot that it does nothing. */
async function untilIdle(port: number, keyDir: string): Promise<number> {
  const keyFile = readdirSync(keyDir).find((name) => name.endsWith('.key'));
  if (keyFile === undefined) throw new Error('the server has no key');
  const key = readFileSync(join(keyDir, keyFile), 'utf8').trim();
  const startedMs = performance.now();
  for (;;) {
    await pause(lookMs);
    // A connection that is kept open would count as one that was left.
    const headers = { authorization: `Bearer ${key}`, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${port}/slots`, { headers });
    const working = ((await answer.json()) as { is_processing: boolean }[]).filter((slot) => slot.is_processing);
    const tookMs = performance.now() - startedMs;
    if (working.length === 0) return tookMs;
    if (tookMs > idleLimitMs) throw new Error(`${working.length} slots still work after ${idleLimitMs} ms`);
  }
}

/** A server may say that a slot is idle a moment before it closes the connection of the caller who had it. */
async function untilLetGo(port: number, before: number | null): Promise<number | null> {
  const startedMs = performance.now();
  for (;;) {
    const now = socketsTo(port);
    if (before === null || now === null) return null;
    if (now <= before || performance.now() - startedMs > letGoLimitMs) return Math.max(0, now - before);
    await pause(lookMs);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Open connections from here to that port; null where the system does not tell. */
function socketsTo(port: number): number | null {
  if (process.platform !== 'linux') return null;
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const open = new Set(['01', '02', '03', '04', '05', '08', '09', '0B']);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && open.has(state ?? '')).length;
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

if (import.meta.main) {
  const folder = testEnginesFolder(process.env);
  const [program, model] = [findTestEngine(folder, 'llama-server'), findTestEngine(folder, 'gemma')];
  if (program === undefined || model === undefined) {
    process.stderr.write('The test engines are not there: node build/test-engines.ts llama-server gemma\n');
    process.exitCode = 1;
  } else {
    const count = Number(process.argv[2] ?? '1000');
    for (const streamed of [true, false]) {
      const startedMs = performance.now();
      const result = await runAborts({ program, model, count, longTokens: 600, streamed, seed: 1 });
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      const kind = streamed ? 'streamed' : 'whole';
      process.stdout.write(`${count} aborts of ${kind} answers in ${seconds} s: ${JSON.stringify(result)}\n`);
      if (result.idleMs > restMs || (result.socketsLeft ?? 0) > 0 || result.restarts > 0) process.exitCode = 1;
    }
  }
}
