import { copyFileSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { ControlClient } from '../../../electron/client/control-client.ts';
import type { EngineKind } from '../../../electron/contract/snapshot.ts';
import { traceSchema, type Trace } from '../../../electron/contract/trace.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { createToolCallModel, writeToolCallModel } from '../../fixtures/tool-call-model.ts';
import { clientOf, snapshotWhere } from './real-agent.ts';
import { atRest } from './sdk-engine-rest.ts';

/** Engines that the client libraries are tried on. */
export const realEngines = ['embedded', 'llama-server', 'ollama'] as const satisfies readonly EngineKind[];
export type RealEngine = (typeof realEngines)[number];

/** What no small model is done with soon. */
export const longTask = 'Write down all numbers from one to one thousand, one after the other: 1 2 3 4 5 6 7 8 9 10';

/** Tokens of context that every model here has. */
export const contextLength = 1_024;
/** So low that a request which finds no slot is refused at once. */
const noQueue = ['--set', 'gateway.maxQueued=0'];
/** What a node asks a model that it has just loaded would take the only slot for a while. */
const noQuestions = ['--set', 'models.servingCheck=false', '--set', 'models.keepAliveMinutes=60'];

/**
 * A real agent with one real engine that has two real models: one that talks, and one that calls a tool. One request at
 * a time, and nobody waits.
 */
export class SdkSite implements AsyncDisposable {
  readonly engine: RealEngine;
  readonly agent: AgentProcess;
  /** Ids of the model that talks and of the one that calls. */
  readonly talker: string;
  readonly caller: string;
  readonly #endings: readonly (() => Promise<void> | void)[];
  readonly #ollamaPid: number | null;

  private constructor(
    engine: RealEngine,
    agent: AgentProcess,
    models: Pick<SdkSite, 'talker' | 'caller'>,
    endings: readonly (() => Promise<void> | void)[],
    ollamaPid: number | null,
  ) {
    this.#ollamaPid = ollamaPid;
    this.engine = engine;
    this.agent = agent;
    this.talker = models.talker;
    this.caller = models.caller;
    this.#endings = endings;
  }

  /**
   * Every engine computes with one thread: two that wait for each other crawl on a machine where others work too. Skips the test, or fails it where engines are required, when the engine is not there.
   */
  static async start(engine: RealEngine, context: Parameters<typeof testEngine>[0]): Promise<SdkSite> {
    const gemma = testEngine(context, 'gemma');
    const program = engine === 'embedded' ? '' : testEngine(context, engine);
    const folder = makeTempFolder();
    const endings: (() => Promise<void> | void)[] = [() => removeFolder(folder)];
    const end = async (): Promise<void> => {
      for (const each of endings.toReversed()) await each();
    };
    try {
      const dataDir = join(folder, 'data');
      mkdirSync(join(dataDir, 'models'), { recursive: true, mode: 0o700 });
      const env: Record<string, string> = {};
      let ollamaPid: number | null = null;
      const models = { talker: 'talker', caller: 'tool-call' };
      if (engine === 'ollama') {
        const ollama = await RealOllama.start({
          program,
          folder,
          env: { OLLAMA_CONTEXT_LENGTH: String(contextLength), OLLAMA_NUM_PARALLEL: '1' },
        });
        endings.push(() => ollama.stop());
        ollamaPid = ollama.pid;
        await ollama.create('talker-plain', gemma);
        await createOneThreaded(ollama, 'talker-plain', 'talker');
        await createToolCallModel(ollama, folder, 'caller-plain');
        await createOneThreaded(ollama, 'caller-plain', 'tool-call');
        Object.assign(env, ownEnvironment('OLLAMA', { ENABLED: 'true', URL: ollama.url }));
      } else {
        linkOrCopy(gemma, join(dataDir, 'models', 'talker.gguf'));
        writeToolCallModel(join(dataDir, 'models'));
        const more = { CONTEXT_LENGTH: String(contextLength), PARALLEL: '1', THREADS: '1', ENABLED: 'true' };
        const name = engine === 'embedded' ? 'EMBEDDED' : 'LLAMA_SERVER';
        Object.assign(env, ownEnvironment(name, program === '' ? more : { ...more, PATH: program }));
      }
      if (engine !== 'embedded') Object.assign(env, ownEnvironment('EMBEDDED', { ENABLED: 'false' }));
      const agent = await startAgent({
        dataDir,
        args: [...noQueue, ...noQuestions, '--set', `models.default=${models.talker}`],
        env,
      });
      endings.push(() => agent[Symbol.asyncDispose]());
      await snapshotWhere(
        agent,
        (snapshot) => snapshot.models.some((model) => model.isDefault && model.loaded),
        60_000,
      );
      return new SdkSite(engine, agent, models, endings, ollamaPid);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** Base address of the Anthropic and the Ollama dialect. */
  get url(): string {
    return this.agent.gatewayUrl;
  }

  get openAiUrl(): string {
    return `${this.agent.gatewayUrl}/v1`;
  }

  get control(): ControlClient {
    return clientOf(this.agent);
  }

  /** Waits until the gateway has a place. */
  async free(): Promise<void> {
    await snapshotWhere(this.agent, ({ gateway }) => gateway.inFlight === 0, 20_000);
  }

  /** Waits until no request is under way, neither at the gateway nor from there to the engine. */
  async idle(timeoutMs: number): Promise<void> {
    await snapshotWhere(
      this.agent,
      ({ gateway, engines }) =>
        gateway.inFlight === 0 && engines.every(({ id, slots }) => id !== this.engine || slots.busy === 0),
      timeoutMs,
    );
  }

  /** Waits until the engine computes nothing. */
  async engineAtRest(timeoutMs: number): Promise<void> {
    const { engines } = await this.control.snapshot();
    const own = engines
      .filter(({ id }) => id === this.engine)
      .flatMap(({ pid, processes }) => [pid, ...processes.map((each) => each.pid)]);
    const pids = this.#ollamaPid === null ? own.filter((pid) => pid !== null) : [this.#ollamaPid];
    expect(pids.length).toBeGreaterThan(0);
    await atRest(pids, timeoutMs);
  }

  /** Waits until an answer is being made. */
  async working(): Promise<void> {
    await snapshotWhere(this.agent, ({ gateway }) => gateway.inFlight > 0, 20_000);
  }

  /** The decision with the id of an answer's X-Ranch-Trace header, which is kept just after the answer's last byte. */
  async trace(id: string | null | undefined): Promise<Trace> {
    expect(id).toBeTypeOf('string');
    const ask = (): Promise<{ readonly trace: unknown }> => this.control.query('trace', { id: String(id) });
    const { trace } = await vi.waitFor(ask, { timeout: 20_000, interval: 20 });
    return traceSchema.parse(trace);
  }

  /** Takes every slot with answers that go on for a while; resolves with what gives them back. */
  async fill(tokens = 600): Promise<() => Promise<void>> {
    const left = new AbortController();
    const { gateway } = await this.control.snapshot();
    const held = Array.from({ length: gateway.slots }, async () => {
      const response = await fetch(`${this.openAiUrl}/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: this.talker,
          prompt: '1 2 3 4 5 6 7',
          max_tokens: tokens,
          temperature: 0,
          stream: true,
        }),
        signal: left.signal,
      });
      expect(response.status).toBe(200);
      const reader = response.body?.getReader();
      await reader?.read();
    });
    await Promise.all(held);
    return async () => {
      left.abort();
      await this.idle(15_000);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#endings.toReversed()) await end();
  }
}

async function createOneThreaded(ollama: RealOllama, from: string, model: string): Promise<void> {
  const response = await fetch(`${ollama.url}/api/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, from, parameters: { num_thread: 1 }, stream: false }),
  });
  if (!response.ok) throw new Error(`Ollama made no ${model}: ${await response.text()}`);
}

function ownEnvironment(engine: string, settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`RANCH_HAND_ENGINES_${engine}_${name}`, value]),
  );
}

function linkOrCopy(file: string, at: string): void {
  try {
    linkSync(file, at);
  } catch {
    copyFileSync(file, at);
  }
}

/** What came of one attempt. */
interface Noted {
  readonly atMs: number;
  readonly tookMs: number;
  readonly status: number;
  readonly retryAfterS: number | null;
  readonly trace: string | null;
}

/** A fetch for client libraries that notes when they asked, and what the answers' heads told. */
export class NotingFetch {
  readonly answers: Noted[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const atMs = performance.now();
    const response = await fetch(input, init);
    const after = response.headers.get('retry-after');
    this.answers.push({
      atMs,
      tookMs: performance.now() - atMs,
      status: response.status,
      retryAfterS: after === null ? null : Number(after),
      trace: response.headers.get('x-ranch-trace'),
    });
    for (const { count, resolve } of this.#waiting) if (this.answers.length >= count) resolve();
    return response;
  };

  /** Waits until there are that many answers. */
  count(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.answers.length >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }

  /** From that answer on: all but the last are refusals, and each next attempt came when it was told to come. */
  expectHonoured(from: number): void {
    const [last, ...before] = this.answers.slice(from).toReversed();
    expect(last?.status).toBe(200);
    expect(before.length).toBeGreaterThan(0);
    let next = last;
    for (const refusal of before) {
      expect([503, 529]).toContain(refusal.status);
      const { retryAfterS } = refusal;
      expect(retryAfterS).toBeGreaterThan(0);
      const gapMs = (next?.atMs ?? 0) - refusal.atMs - refusal.tookMs;
      // Timers may be a few milliseconds early.
      expect(gapMs).toBeGreaterThan((retryAfterS ?? Infinity) * 1_000 - 20);
      next = refusal;
    }
  }
}
