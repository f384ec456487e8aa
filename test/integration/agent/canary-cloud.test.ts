import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { controlPaths, querySchemas } from '../../../electron/contract/control.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { filesUnder, placesWith, processesUnder } from '../../fixtures/canary.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { FakeOpenAi } from '../../fakes/fake-openai-process.ts';
import { FakeSpeech } from '../../fakes/fake-speech-process.ts';
import { CliProcess } from '../cli/cli-process.ts';
import { clientOf } from './real-agent.ts';

/** Keys of providers, one by each way of setting one; they look like no key, so that nothing masks them by their form. */
const byCommand = 'wombat.command.canary.0123456789';
const byTerminal = 'quoll/terminal+canary=9876543210';
const bySystemd = 'bilby/systemd+canary=1357924680';
const canaries = [byCommand, byTerminal, bySystemd];

/** Some servers do not write a key as it is. */
const spelledBy: Readonly<Record<number, (text: string, key: string) => string>> = {
  400: (text) => text.replaceAll('/', '\\/'),
  429: (text) => text.replaceAll('+', '\\u002B'),
  500: (text, key) => text.replaceAll(key, encodeURIComponent(key)),
};

const price = { inputUsd: 1, outputUsd: 2 };
const model = { id: 'fake-model', contextLength: 8_192, maxOutputTokens: 64, price };

let speech: FakeSpeech;
let chats: FakeOpenAi;
let agent: AgentProcess;
let dataDir: string;
let elsewhere: string;
const said = new Map<string, Buffer | string>();

beforeAll(async () => {
  speech = await FakeSpeech.start();
  chats = await FakeOpenAi.start();
  dataDir = makeTempFolder();
  elsewhere = makeTempFolder();
  const credentials = join(elsewhere, 'credentials');
  const reports = join(elsewhere, 'reports');
  for (const folder of [credentials, reports]) mkdirSync(folder);
  writeFileSync(join(credentials, 'ranch-hand-unit'), `${bySystemd}\n`);
  const url = `http://127.0.0.1:${chats.port}`;
  const settings = {
    version: 1,
    log: { level: 'debug' },
    cloud: {
      providers: {
        openai: { url: speech.url },
        mine: { kind: 'openai-compatible', url, models: [model] },
        unit: { kind: 'openai-compatible', url, models: [model] },
      },
      prices: { 'openai/tts-1': { inputUsd: 0, outputUsd: 0, charactersUsd: 15 } },
      speech: { model: 'openai/tts-1' },
    },
  };
  writeFileSync(join(dataDir, 'config.json'), JSON.stringify(settings));
  agent = await startAgent({
    dataDir,
    env: {
      RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false',
      CREDENTIALS_DIRECTORY: credentials,
      // No bus: keys go into the file, where this test can tell them from everything else.
      DBUS_SESSION_BUS_ADDRESS: '',
      XDG_RUNTIME_DIR: '',
      NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-uncaught-exception --report-on-fatalerror --report-directory=${reports}`,
    },
  });
}, 60_000);

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await speech[Symbol.asyncDispose]();
  await chats[Symbol.asyncDispose]();
  removeFolder(dataDir);
  removeFolder(elsewhere);
});

/** What is looked through later, by a name of its own. */
function note(what: string, content: string): string {
  said.set(`${said.size}: ${what}`, content);
  return content;
}

async function control(path: string, body?: object): Promise<string> {
  const answer = await fetch(agent.file.controlUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: agent.controlHeaders,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return note(path, `${JSON.stringify([...answer.headers])} ${await answer.text()}`);
}

async function ask(path: string, body: object): Promise<number> {
  const answer = await fetch(agent.gatewayUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  note(path, JSON.stringify([...answer.headers]) + (await answer.text().catch(String)));
  return answer.status;
}

async function cli(words: readonly string[], input = ''): Promise<void> {
  await using run = new CliProcess(words, { dataDir, input });
  const { exitCode, stdout, stderr } = await run.ended;
  note(`cli ${words.join(' ')}`, `${exitCode} ${stdout} ${stderr}`);
}

/** Listens to the event stream until told to stop; resolves with all that it heard. */
function listen(stop: AbortSignal): Promise<string> {
  return fetch(agent.file.controlUrl + controlPaths.events, { headers: agent.controlHeaders, signal: stop }).then(
    async (answer) => {
      let text = '';
      const decoder = new TextDecoder();
      try {
        for await (const bytes of answer.body ?? []) text += decoder.decode(bytes as Uint8Array, { stream: true });
      } catch {
        // Told to stop.
      }
      return text;
    },
  );
}

it('a provider’s key is in its store and in the one header to its provider, whatever the agent writes or sends', async () => {
  const stop = new AbortController();
  const heard = listen(stop.signal);
  const { commands } = controlPaths;

  // Set in every way that there is, and wrongly.
  expect(await control(`${commands}secrets.set`, { provider: 'openai', value: byCommand })).toContain('"ok":true');
  await cli(['secrets', 'set', 'mine'], `${byTerminal}\n`);
  await control(`${commands}secrets.set`, { provider: 'openai', value: `${byCommand} ${byCommand}` });
  await control(`${commands}secrets.set`, { provider: 'unit', value: byCommand });
  await control(`${commands}secrets.set`, { provider: '../openai', value: byCommand });
  await control(`${commands}secrets.set`, { provider: 'openai', valeu: byCommand });
  await control(`${commands}secrets.set?value=${byCommand}`, { provider: 'openai' });
  await control(`${commands}offload.set`, { mode: 'auto' });

  // Used well, and by providers that repeat it.
  expect(await ask('/v1/audio/speech', { input: 'Hi' })).toBe(200);
  for (const name of ['mine', 'unit']) {
    const messages = [{ role: 'user', content: 'Hi' }];
    const chat = { model: `${name}/fake-model`, messages, max_tokens: 8 };
    expect(await ask('/v1/chat/completions', chat)).toBe(200);
    expect((await chats.state()).lastHead).toContain(name === 'mine' ? byTerminal : bySystemd);
    const key = name === 'mine' ? byTerminal : bySystemd;
    for (const status of [400, 401, 429, 500]) {
      const told = JSON.stringify({ error: { message: `Incorrect key ${key}.`, type: key, code: key, param: key } });
      const text = spelledBy[status]?.(told, key) ?? told;
      const raw = `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nX-Request-Id: ${key}\r\nRetry-After: ${key}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
      await chats.behave({ fault: 'raw', raw });
      await ask('/v1/chat/completions', { ...chat, stream: status === 500 });
      await control(`${commands}cloud.test`, { provider: name });
    }
    await chats.behave({ fault: 'none' });
  }
  for (const status of [400, 401, 429, 500]) {
    await speech.behave({ status, repeatsKey: true });
    await ask('/v1/audio/speech', { input: 'Hi' });
    await control(`${commands}cloud.test`, { provider: 'openai' });
  }

  // Told in every way that there is.
  await control(controlPaths.snapshot);
  for (const name of Object.keys(querySchemas)) {
    if (name !== 'logs') await control(`${controlPaths.queries}${name}`);
  }
  const since = new Date(Date.now() - 3_600_000).toISOString();
  for (const query of [`usage?since=${since}&by=provider`, 'traces?limit=100']) {
    await control(`${controlPaths.queries}${query}`);
  }
  for (const format of ['csv', 'json']) await control(`${controlPaths.usageExport}?since=${since}&format=${format}`);
  note('metrics', await (await fetch(`${agent.gatewayUrl}/metrics`)).text());
  for (const words of [
    ['status'],
    ['secrets'],
    ['secrets', '--json'],
    ['usage'],
    ['providers'],
    ['settings'],
    ['doctor'],
  ]) {
    await cli(words);
  }

  // What others of this machine can see of it, and what it leaves behind when it dies.
  const { pid = 0 } = agent.child;
  if (process.platform === 'linux') for (const [name, bytes] of processesUnder(pid)) said.set(name, bytes);
  agent.child.kill('SIGUSR2');
  const reports = join(elsewhere, 'reports');
  while (!readdirSync(reports).some((name) => name.endsWith('.json'))) await control(controlPaths.snapshot);
  stop.abort();
  note('events', await heard);
  agent.child.kill('SIGSEGV');
  expect((await agent.exited).signal).toBe('SIGSEGV');
  note('output', agent.output);
  for (const [path, bytes] of [...filesUnder(dataDir), ...filesUnder(reports)]) said.set(path, bytes);

  const names = [...said.keys()].join('\n');
  for (const place of ['traces.db', 'ledger', 'agent.1.log', 'config.json', 'report.', 'environ of', 'events']) {
    expect(names).toContain(place);
  }
  expect(placesWith(canaries, said)).toEqual([join(dataDir, 'secrets.json')]);
  const { requests } = await speech.state();
  expect(requests.length).toBeGreaterThan(1);
  for (const { authorization, headers, body } of requests) {
    expect(authorization).toBe(`Bearer ${byCommand}`);
    const rest = JSON.stringify([{ ...headers, authorization: '' }, body]);
    expect(placesWith(canaries, new Map([['the rest of the request', rest]]))).toEqual([]);
  }
}, 180_000);

it('after the crash the key is still in its store, and works', async () => {
  const again = await startAgent({ dataDir, env: { RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false' } });
  try {
    await speech.behave({});
    const { secrets } = await clientOf(again).query('secrets', {});
    expect(secrets.find(({ provider }) => provider === 'openai')).toMatchObject({ state: 'set', store: 'file' });
    const answer = await fetch(`${again.gatewayUrl}/v1/audio/speech`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'Hi' }),
    });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  } finally {
    await again[Symbol.asyncDispose]();
  }
}, 60_000);
