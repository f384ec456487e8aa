/**
 * Takes the picture of `status --watch` for the documentation, from a real terminal over a real agent:
 *   node test/e2e/terminal-screenshot.ts [--data-dir DIR] [--out FILE]
 * With --data-dir the running agent of that folder is shown; without, one is started on free ports with a folder of its
 * own (and the real model of the tests, where that is there) and ended afterwards. It is asked questions meanwhile, so that the figures are those of a node at work. The
 * terminal is tmux (it keeps the screen as text with its colours); Chromium draws it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { projectRoot } from '../../build/bundling/product.ts';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { ControlClient } from '../../electron/client/control-client.ts';
import type { AgentFile } from '../../electron/contract/agent-file.ts';
import { readAgentFile } from '../../electron/host/agent-file.ts';
import { ansiToHtml } from '../fixtures/ansi-html.ts';
import { findProgram } from '../fixtures/test-engine.ts';

const columns = 88;
const rows = 28;
const limitMs = 300_000;
const run = promisify(execFile);

const { values: options } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    out: { type: 'string', default: join(projectRoot, 'docs/images/status-watch.png') },
  },
});

interface Node {
  readonly dataDir: string;
  readonly file: AgentFile;
  stop(): Promise<void>;
}

/** Tries until `attempt` gives something, every 250 ms. */
async function eventually<Value>(what: string, attempt: () => Promise<Value | null>): Promise<Value> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const value = await attempt();
    if (value !== null) return value;
    await pause(250);
  }
  throw new Error(`${what} did not happen within ${limitMs / 1000} s`);
}

async function findOrStartNode(dataDir: string | undefined): Promise<Node> {
  if (dataDir !== undefined) {
    const file = await readAgentFile(dataDir);
    if (file === null) throw new Error(`No agent is running in ${dataDir}.`);
    return { dataDir, file, stop: () => Promise.resolve() };
  }
  const own = await mkdtemp(join(tmpdir(), 'ranch-hand-screenshot-'));
  const model = findTestEngine(testEnginesFolder(process.env), 'gemma');
  const args = [join(projectRoot, 'dist/agent.js'), '--gateway', '127.0.0.1:0', '--data-dir', own];
  if (model !== undefined) args.push('--set', `models.default=${model}`);
  const child: ChildProcess = spawn(process.execPath, args, { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
    await rm(own, { recursive: true, force: true });
  };
  try {
    const file = await eventually('The start of the agent', () => readAgentFile(own));
    return { dataDir: own, file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks one question after the other until told to stop; how many were answered. */
async function keepAsking(file: AgentFile, signal: AbortSignal): Promise<number> {
  const client = new ControlClient({ url: file.controlUrl, token: file.controlToken });
  const model = await eventually('A loaded model', async () => {
    const { models } = await client.snapshot();
    return models.find(({ loaded }) => loaded)?.id ?? null;
  });
  let answered = 0;
  while (!signal.aborted) {
    const answer = await fetch(new URL('/v1/chat/completions', file.gatewayUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model,
        stream: true,
        max_tokens: 64,
        messages: [{ role: 'user', content: 'Summarise what a ranch hand does in a day.' }],
      }),
      signal,
    });
    await answer.text();
    answered += 1;
    await pause(400, undefined, { signal });
  }
  return answered;
}

/** The screen of `status --watch` as text with colours, once it shows a node at work. */
async function screenOf(dataDir: string): Promise<string> {
  const socket = `ranch-hand-${process.pid}`;
  const tmux = async (...args: string[]): Promise<string> => (await run('tmux', ['-L', socket, ...args])).stdout;
  const quoted = [process.execPath, join(projectRoot, 'dist/cli.js'), 'status', '--watch', '--data-dir', dataDir]
    .map((word) => `'${word}'`)
    .join(' ');
  await tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    `LC_ALL=C.UTF-8 ${quoted}`,
  );
  try {
    return await eventually('A busy screen', async () => {
      const text = await tmux('capture-pane', '-p');
      const requests = text.split('\n').filter((line) => /^\d\d:\d\d:\d\d /.test(line));
      const bars = /tok\/s +([▁▂▃▄▅▆▇█]+)/.exec(text)?.[1] ?? '';
      const busy = /Speed +(?:[1-9]|0\.[1-9])/.test(text) && requests.length >= 3 && bars.length >= 12;
      return busy ? tmux('capture-pane', '-e', '-p') : null;
    });
  } finally {
    await tmux('kill-server');
  }
}

async function draw(screen: string, out: string): Promise<void> {
  const program = process.env['RANCH_HAND_CHROMIUM'] ?? findProgram(['chromium', 'chromium-browser', 'google-chrome']);
  if (program === undefined) throw new Error('There is no Chromium here. Name one in RANCH_HAND_CHROMIUM.');
  const browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage({ deviceScaleFactor: 2, viewport: { width: 1200, height: 900 } });
    await page.setContent(ansiToHtml(screen.trimEnd(), 'ranch-hand status --watch'));
    await page.locator('figure').screenshot({ path: out });
  } finally {
    await browser.close();
  }
}

const node = await findOrStartNode(options['data-dir']);
const asking = new AbortController();
const traffic = keepAsking(node.file, asking.signal).catch((error: unknown) => {
  if (!asking.signal.aborted) throw error;
});
try {
  const screen = await Promise.race([
    screenOf(node.dataDir),
    traffic.then(() => Promise.reject(new Error('no traffic'))),
  ]);
  await draw(screen, options.out);
  console.log(`wrote ${options.out}`);
} finally {
  asking.abort();
  await traffic.catch(() => undefined);
  await node.stop();
}
