import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import type { ControlClient } from '../../electron/client/control-client.ts';
import { FakeAnthropic } from '../fakes/fake-anthropic-process.ts';
import { FakeOpenAiProvider } from '../fakes/fake-openai-provider-process.ts';
import { FakeDesktop } from '../fakes/fake-secret-service-process.ts';
import { startAgent, type AgentProcess } from '../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { clientOf, snapshotWhere, until } from '../integration/agent/real-agent.ts';

const model = 'gemma-3-270m-q4_k_m';
/** Where the days of its budgets begin. */
export const sceneTimeZone = 'Europe/Berlin';
const best = 'anthropic/claude-opus-5-5';

export interface MoneySceneOptions {
  /** The agent's data folder; one of its own unless given. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

type Caller = 'claude-code' | 'aider' | 'nightly-summaries';

/** What a provider counts for one answer. */
interface Counts {
  readonly inputTokens: number;
  readonly cacheRead: number;
  readonly cacheWritten: number;
  readonly tokens: number;
}

/** Rules, so that a prompt is as long as those of programs that write code. */
const lore = Array.from(
  { length: 400 },
  (_, index) => `Rule ${index}: a horse that has worked gets water before it gets oats, and a dry blanket after rain.`,
);

/**
 * A whole node for pictures of money: a real agent, a real llama-server with a real model, a keyring, and providers in
 * processes of their own that bill what they answer. What it has spent is from requests that were asked.
 */
export class MoneyScene implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly anthropic: FakeAnthropic;
  readonly #openai: FakeOpenAiProvider;
  readonly #gemini: FakeOpenAiProvider;
  readonly #keys = new Map<Caller, string>();
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    readonly agent: AgentProcess;
    readonly anthropic: FakeAnthropic;
    readonly openai: FakeOpenAiProvider;
    readonly gemini: FakeOpenAiProvider;
    readonly stack: AsyncDisposableStack;
  }) {
    this.agent = parts.agent;
    this.anthropic = parts.anthropic;
    this.#openai = parts.openai;
    this.#gemini = parts.gemini;
    this.#stack = parts.stack;
  }

  static async start({ dataDir, env = {} }: MoneySceneOptions = {}): Promise<MoneyScene> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.adopt(makeTempFolder(), removeFolder);
    const data = dataDir ?? join(folder, 'data');
    const anthropic = stack.use(await FakeAnthropic.start());
    const openai = stack.use(await FakeOpenAiProvider.start('openai'));
    const gemini = stack.use(await FakeOpenAiProvider.start('gemini'));
    const desktop = stack.use(await FakeDesktop.start({ keyring: true }));
    mkdirSync(join(data, 'models'), { recursive: true, mode: 0o700 });
    symlinkSync(engine('gemma'), join(data, 'models', `${model}.gguf`));
    // Under a name that says nothing of this machine.
    symlinkSync(engine('llama-server'), join(folder, 'llama-server'));
    const urls = { anthropic: anthropic.url, openai: openai.url, gemini: gemini.url };
    writeFileSync(join(data, 'config.json'), JSON.stringify(settings(urls)), { mode: 0o600 });
    const agent = stack.use(
      await startAgent({
        dataDir: data,
        args: ['--set', `models.default=${model}`],
        env: {
          ...desktop.env,
          RANCH_HAND_NODE_NAME: 'logos-prime',
          RANCH_HAND_ENGINES_LLAMA_SERVER_ENABLED: 'true',
          RANCH_HAND_ENGINES_LLAMA_SERVER_PATH: join(folder, 'llama-server'),
          RANCH_HAND_ENGINES_LLAMA_SERVER_CONTEXT_LENGTH: '16384',
          ...env,
        },
      }),
    );
    const scene = new MoneyScene({ agent, anthropic, openai, gemini, stack: stack.move() });
    try {
      await scene.#prepare();
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  get control(): ControlClient {
    return clientOf(this.agent);
  }

  /** Three programs for a minute or two: chats here, quality in the cloud, and what goes wrong now and then. */
  async work(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      const fresh = lore.slice(turn * 40, turn * 40 + 60);
      await this.#here('claude-code', fresh, turn % 2 === 0 ? 'ranch/local' : 'ranch/routine');
      if (turn % 2 === 1) continue;
      await this.#claude({
        inputTokens: 900 + turn * 160,
        cacheRead: 9_000,
        cacheWritten: 700,
        tokens: 90 + turn * 25,
      });
      await this.#gpt('aider', { prompt: 6_200 + turn * 240, cached: 4_000, tokens: 110 + turn * 12 });
    }
    for (let turn = 0; turn < 2; turn += 1) {
      await this.#gpt('nightly-summaries', { prompt: 3_000, cached: 0, tokens: 80 });
      await this.#here('nightly-summaries', lore.slice(100, 130 + turn), 'ranch/routine');
    }
    // An answer that broke off, a key that a provider does not know, and a provider that sends the next one elsewhere.
    await this.anthropic.behave({ tokens: 40, fault: 'cut', afterTokens: 12, inputTokens: 400 });
    await this.#ask('claude-code', { model: best, stream: true });
    await this.#gemini.behave({ fault: 'status', status: 401, errorType: 'UNAUTHENTICATED', errorMessage: 'No.' });
    await this.control.command('cloud.test', { provider: 'gemini' }).catch(() => undefined);
    await this.#openai.behave({ fault: 'status', status: 429, headers: { 'retry-after': '480' } });
    await this.anthropic.behave({ inputTokens: 2_400, tokens: 140, firstMs: 420, intervalMs: 6 });
    await this.#ask('aider', { model: 'ranch/code', lines: lore.slice(0, 40), maxTokens: 400, stream: true });
    await this.#openai.behave({});
  }

  /** Begins an answer in the cloud that lasts until the scene is over; its worst case is set aside meanwhile. */
  async begin(): Promise<void> {
    await this.anthropic.behave({ held: true });
    void this.#ask('claude-code', { model: best, lines: lore.slice(0, 150), maxTokens: 600 }).catch(() => undefined);
    await until(async () => (await this.anthropic.state()).active > 0);
    await snapshotWhere(this.agent, ({ cloud }) => (cloud.today?.reservedUsd ?? 0) > 0);
  }

  /** Minutes of the hour for the best model, in one list with those of its working days. */
  async setWindows(): Promise<void> {
    const value = [
      { target: best, fromMinute: 20, toMinute: 30 },
      { target: best, fromMinute: 50, toMinute: 5, fromHour: 8, toHour: 18, days: [1, 2, 3, 4, 5] },
    ];
    await this.control.command('settings.update', { key: 'cloud.windows', value });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.anthropic.release().catch(() => undefined);
    await this.#stack[Symbol.asyncDispose]();
  }

  async #prepare(): Promise<void> {
    const { control } = this;
    for (const provider of ['anthropic', 'openai', 'gemini']) {
      await control.command('secrets.set', { provider, value: `key-for-pictures-of-${provider}` });
    }
    const policies = {
      'claude-code': { defaultModel: model, requestsPerMinute: 120 },
      aider: { priority: 'high' },
      'nightly-summaries': { priority: 'low' },
    } as const;
    for (const name of ['claude-code', 'aider', 'nightly-summaries'] as const) {
      const { key } = await control.command('keys.add', { name, policy: policies[name] });
      this.#keys.set(name, key ?? '');
    }
    await control.command('offload.set', { mode: 'auto' });
    await snapshotWhere(
      this.agent,
      ({ models, cloud }) =>
        models.some(({ isDefault, loaded }) => isDefault && loaded) &&
        ['anthropic', 'openai'].every((id) => cloud.providers.some((one) => one.id === id && one.state === 'ready')),
      120_000,
    );
  }

  #here(caller: Caller, lines: readonly string[], name: string): Promise<void> {
    return this.#ask(caller, { model: name, lines, maxTokens: 20, stream: true });
  }

  async #claude({ inputTokens, cacheRead, cacheWritten, tokens }: Counts): Promise<void> {
    await this.anthropic.behave({ inputTokens, cacheRead, cacheWritten, tokens, firstMs: 420, intervalMs: 6 });
    await this.#ask('claude-code', { model: 'ranch/quality', lines: lore.slice(0, 200), maxTokens: 600, stream: true });
  }

  async #gpt(caller: Caller, counts: { prompt: number; cached: number; tokens: number }): Promise<void> {
    await this.#openai.behave({ promptTokens: counts.prompt, cachedTokens: counts.cached, tokens: counts.tokens });
    const name = caller === 'aider' ? 'openai/gpt-6.1-sol' : 'openai/gpt-6.1-terra';
    await this.#ask(caller, { model: name, lines: lore.slice(0, 40), maxTokens: 400 });
  }

  /** One request, read to its end however it ends. */
  async #ask(
    caller: Caller,
    ask: { readonly model: string; lines?: readonly string[]; maxTokens?: number; stream?: boolean },
  ): Promise<void> {
    const { lines = [], maxTokens = 64, stream = false } = ask;
    const response = await fetch(`${this.agent.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#keys.get(caller) ?? ''}` },
      body: JSON.stringify({
        model: ask.model,
        max_tokens: maxTokens,
        stream,
        messages: [
          { role: 'system', content: ['You care for horses.', ...lines].join('\n') },
          { role: 'user', content: 'Who gets water first, and what comes after rain?' },
        ],
      }),
    });
    await response.text().catch(() => undefined);
  }
}

function engine(name: 'llama-server' | 'gemma'): string {
  const found = findTestEngine(testEnginesFolder(process.env), name);
  if (found === undefined) throw new Error(`the test engine ${name} is not there`);
  return found;
}

/** Three providers at home, budgets that such a small history can be seen in, and what local answers are compared with. */
function settings(urls: Readonly<Record<'anthropic' | 'openai' | 'gemini', string>>): object {
  return {
    version: 1,
    cloud: {
      providers: {
        anthropic: { url: urls.anthropic, quota: { tokensPerWeek: 160_000, resetDay: 4, resetHour: 9 } },
        openai: { url: urls.openai },
        gemini: { url: urls.gemini },
        openrouter: { enabled: false },
      },
      equivalents: { '*': [best], 'ranch/code': ['openai/gpt-6.1-sol', best] },
      budgets: [
        { scope: 'all', period: 'day', unit: 'usd', limit: 0.5, softLimit: 0.4 },
        { scope: 'provider:anthropic', period: 'week', unit: 'percent', limit: 60, softLimit: 20 },
        { scope: 'key:nightly-summaries', period: 'day', unit: 'tokens', limit: 12_000, softLimit: 9_000 },
      ],
      timeZone: sceneTimeZone,
    },
  };
}
