/**
 * Pictures of Traffic, a decision, the gateway and keys, in docs/images: `node test/e2e/panel/traffic-screenshots.ts`.
 * The agent is the real one over a real llama-server with a real model; a second server that fails and one with a price
 * stand beside it, so that there is something to decide. It shows what is in dist, so build first.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import { FakeOpenAi } from '../../fakes/fake-openai-process.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { clientOf, snapshotWhere } from '../../integration/agent/real-agent.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

const model = 'gemma-3-270m-q4_k_m';

function engine(name: 'llama-server' | 'gemma'): string {
  const found = findTestEngine(testEnginesFolder(process.env), name);
  if (found === undefined) throw new Error(`the test engine ${name} is not there`);
  return found;
}

/** Sends one request and reads its answer to the end; the trace id. */
async function ask(agent: AgentProcess, path: string, key: string, body: object, headers = {}): Promise<string> {
  const response = await fetch(`${agent.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.headers.get('x-ranch-trace') ?? '';
}

const lore = Array.from(
  { length: 8 },
  (_, index) => `Rule ${index}: a horse that has worked gets water before it gets oats, and a dry blanket after rain.`,
).join('\n');

interface Scene {
  /** The decision that has most to tell. */
  readonly trace: string;
}

/** Three programs at work: a chat of several turns, edits that another server fails at, and one that asks for too much. */
async function setTheScene(agent: AgentProcess, other: FakeOpenAi): Promise<Scene> {
  const client = clientOf(agent);
  const made = async (name: string, policy: object): Promise<string> =>
    (await client.command('keys.add', { name, policy })).key ?? '';
  const claude = await made('claude-code', { defaultModel: model, ceiling: 'ranch', requestsPerMinute: 120 });
  const aider = await made('aider', { priority: 'high' });
  const scripts = await made('nightly-summaries', { priority: 'low', ceiling: 'local', dollarsPerDay: 0.5 });
  await ask(agent, '/v1/chat/completions', aider, {
    model,
    max_tokens: 4,
    messages: [{ role: 'user', content: 'Hello' }],
  });

  const messages: { role: string; content: string }[] = [];
  for (const question of ['Who gets water first?', 'And after rain?']) {
    messages.push({ role: 'user', content: question });
    await ask(
      agent,
      '/v1/messages',
      claude,
      { model: 'claude-haiku', max_tokens: 12, stream: true, system: lore, messages, metadata: { user_id: 'u' } },
      { 'anthropic-version': '2023-06-01' },
    );
    messages.push({ role: 'assistant', content: 'Water first, then oats.' });
  }
  await ask(agent, '/api/chat', scripts, {
    model,
    messages: [{ role: 'user', content: 'Sum up: the horse went home.' }],
    options: { num_predict: 8 },
  });
  await ask(agent, '/v1/chat/completions', scripts, { model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] });
  await other.behave({ fault: 'status', status: 500 });
  const busy = Promise.all(
    Array.from({ length: 2 }, (_, index) =>
      ask(agent, '/v1/chat/completions', aider, {
        model,
        stream: true,
        max_tokens: 8,
        messages: [{ role: 'user', content: `Tell me of horse ${index}. ${lore.slice(0, 200)}` }],
      }),
    ),
  );
  await busy;
  const { traces } = await client.query('traces', { key: 'aider' });
  const telling = traces.toSorted((one, other) => weight(other) - weight(one))[0];
  return { trace: telling?.trace ?? '' };
}

function weight(trace: { attempts: readonly unknown[]; candidates: readonly unknown[]; queuedMs: number }): number {
  return trace.attempts.length * 10 + trace.candidates.length + Math.min(1, trace.queuedMs / 1_000);
}

const light = { width: 1280, height: 960, colors: 'light' } as const;

function pictures(scene: Scene): Readonly<Record<string, { options: PanelPageOptions; whole: boolean; at: string }>> {
  return {
    traffic: { options: light, whole: false, at: '#/traffic' },
    'traffic-dark': { options: { ...light, colors: 'dark' }, whole: false, at: '#/traffic' },
    'traffic-360': { options: { ...light, width: 360, height: 800 }, whole: false, at: '#/traffic' },
    trace: { options: light, whole: true, at: `#/traffic/${scene.trace}` },
    gateway: { options: light, whole: true, at: '#/gateway' },
    keys: { options: light, whole: true, at: '#/keys' },
  };
}

async function shootAll(browser: Browser, agent: AgentProcess, scene: Scene): Promise<void> {
  for (const [name, { options, whole, at }] of Object.entries(pictures(scene))) {
    await using panel = await PanelPage.open(browser, (await clientOf(agent).ticket()).url, options);
    await panel.page.goto(new URL(at, panel.page.url()).href);
    await panel.page.locator('main table').first().waitFor();
    // The answer to the screen's question, which may come after the table of what the snapshot holds.
    await panel.page.waitForLoadState('load');
    await panel.page.getByText('Looking for').waitFor({ state: 'detached' });
    const path = join(projectRoot, 'docs/images', `${name}.png`);
    await panel.page.screenshot({ path, fullPage: whole, animations: 'disabled' });
    console.log(path);
  }
}

const folder = makeTempFolder();
const dataDir = join(folder, 'data');
mkdirSync(dataDir, { recursive: true, mode: 0o700 });
const browser = await launchChromium();
try {
  const program = join(folder, 'llama-server');
  symlinkSync(engine('llama-server'), program);
  await using other = await FakeOpenAi.start();
  const url = `http://127.0.0.1:${other.port}`;
  const models = [{ id: model }];
  const config = {
    version: 1,
    names: { 'claude-haiku': model },
    upstreams: [
      { id: 'barn-server', url, models, slots: 2 },
      { id: 'sky', url, models, price: { inputUsd: 0.8, outputUsd: 4 } },
    ],
  };
  writeFileSync(join(dataDir, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  await using agent = await startAgent({
    dataDir,
    args: ['--set', `models.default=${engine('gemma')}`],
    env: {
      RANCH_HAND_NODE_NAME: 'logos-prime',
      RANCH_HAND_ENGINES_LLAMA_SERVER_ENABLED: 'true',
      RANCH_HAND_ENGINES_LLAMA_SERVER_PATH: program,
      RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false',
    },
  });
  await snapshotWhere(agent, ({ models: all }) => all.some(({ id, loaded }) => id === model && loaded), 120_000);
  await shootAll(browser, agent, await setTheScene(agent, other));
} finally {
  await browser.close();
  removeFolder(folder);
}
