import type { Trace } from '../../../../electron/contract/trace.ts';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../../electron/agent/gateway/gateway.ts';
import { ConfiguredUpstreams } from '../../../../electron/agent/upstreams/configured-upstreams.ts';
import { FakeAnthropic } from '../../../fakes/fake-anthropic-process.ts';
import { FakeOllamaChat } from '../../../fakes/fake-ollama-chat-process.ts';
import { FakeOpenAi } from '../../../fakes/fake-openai-process.ts';
import { answerers, type Answerer } from './cells.ts';

/** What the fakes of all three dialects have in common. */
export interface Script {
  readonly tokens?: number;
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly pieces: readonly string[] }[];
  readonly intervalMs?: number;
  readonly firstMs?: number;
  /** short: a stream ends in order, and too soon · told: it tells an error instead of its end. */
  readonly fault?: 'none' | 'cut' | 'status' | 'short' | 'told';
  readonly framing?: 'chunked' | 'close';
  readonly afterTokens?: number;
  readonly status?: number;
  readonly errorMessage?: string;
  readonly retryAfter?: string | null;
}

/** The script in a fake's own words, `told` being one of them. */
function withFault<Told extends string>(
  script: Script,
  told: Told,
): Omit<Script, 'fault'> & { readonly fault: Exclude<NonNullable<Script['fault']>, 'told'> | Told } {
  const { fault = 'none' } = script;
  return { ...script, fault: fault === 'told' ? told : fault };
}

export interface Fake {
  behave(script: Script): Promise<void>;
  /** Resolves when no answer is being made; tells how many were broken off by the other side. */
  idle(): Promise<{ readonly aborted: number; readonly started: number }>;
  state(): Promise<{ readonly aborted: number; readonly started: number }>;
  lastBody(): Promise<string>;
}

/** A gateway before one upstream of each dialect, all of them processes of their own. */
export class MatrixRig implements AsyncDisposable {
  readonly url: string;
  readonly fakes: Readonly<Record<Answerer, Fake>>;
  readonly gateway: Gateway;
  readonly #stack: AsyncDisposableStack;
  readonly #traces: Trace[] = [];

  private constructor(parts: {
    url: string;
    fakes: MatrixRig['fakes'];
    gateway: Gateway;
    stack: AsyncDisposableStack;
    traced: Announcer<Trace>;
  }) {
    this.url = parts.url;
    this.fakes = parts.fakes;
    this.gateway = parts.gateway;
    this.#stack = parts.stack;
    parts.traced.subscribe((trace) => this.#traces.push(trace));
  }

  static async start(): Promise<MatrixRig> {
    await using stack = new AsyncDisposableStack();
    const openai = stack.use(await FakeOpenAi.start());
    const anthropic = stack.use(await FakeAnthropic.start());
    const ollama = stack.use(await FakeOllamaChat.start());
    const ports: Readonly<Record<Answerer, number>> = {
      openai: openai.port,
      anthropic: anthropic.port,
      ollama: ollama.port,
    };
    const servers = answerers.map((dialect) => ({
      id: `${dialect}-server`,
      url: `http://127.0.0.1:${ports[dialect]}`,
      dialect,
      enabled: true,
      slots: 8,
      models: [
        {
          id: `${dialect}-model`,
          contextLength: 8_192,
          capabilities: ['chat', 'completion', 'embedding', 'tools', 'vision', 'json'] as const,
        },
      ],
    }));
    const upstreams = new ConfiguredUpstreams(
      { servers, env: {} },
      { clock: systemClock, logger: silentLogger, isOwn: () => false, random: () => 0.5 },
    );
    await upstreams.start();
    stack.defer(() => upstreams.stop());
    const ready = upstreams.list().map(
      (upstream) =>
        new Promise<void>((resolve) => {
          const look = (): void => {
            if (upstream.describe().ready) resolve();
          };
          upstreams.changed.subscribe(look);
          look();
        }),
    );
    await Promise.all(ready);
    const traced = new Announcer<Trace>();
    const gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'matrix', drainMs: 500 },
      { upstreams: () => upstreams.list(), traced, clock: systemClock, logger: silentLogger },
    );
    const { url } = await gateway.listen();
    stack.defer(() => gateway.close());
    const fakes: MatrixRig['fakes'] = {
      openai: {
        behave: (script) => openai.behave(withFault(script, 'error-event')),
        idle: () => openai.idle(),
        state: () => openai.state(),
        lastBody: async () => (await openai.state()).lastBody,
      },
      anthropic: {
        behave: (script) =>
          anthropic.behave({
            errorType: 'api_error',
            ...withFault(script, 'error-event'),
            tokens: script.tokens ?? 8,
          }),
        idle: () => anthropic.idle(),
        state: () => anthropic.state(),
        lastBody: async () => (await anthropic.state()).requests.at(-1)?.body ?? '',
      },
      ollama: {
        behave: (script) => ollama.behave(withFault(script, 'error-line')),
        idle: () => ollama.idle(),
        state: () => ollama.state(),
        lastBody: async () => (await ollama.state()).lastBody,
      },
    };
    return new MatrixRig({ url, fakes, gateway, stack: stack.move(), traced });
  }

  /** The record of the latest request, once it is over. */
  async lastTrace(): Promise<Trace> {
    while (this.gateway.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const trace = this.#traces.at(-1);
    if (!trace) throw new Error('nothing was traced');
    return trace;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
