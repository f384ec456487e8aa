import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import { nodeSnapshotSchema, type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { trayMenu } from '../../../electron/shell/tray-menu.ts';
import { cleanEnvironment, startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { clientOf, complete, readyClient, snapshotWhere, until } from '../../integration/agent/real-agent.ts';
import { PanelPage, useChromium } from './panel-page.ts';

const browser = useChromium();

/** What `ranch-hand status --json` prints. */
async function statusOf(agent: AgentProcess): Promise<NodeSnapshot> {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'dist/cli.js'), 'status', '--json', '--data-dir', agent.dataDir],
    {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child, 'close');
  return nodeSnapshotSchema.parse(JSON.parse(text));
}

/** Tokens per second in the tray's tooltip. */
function tooltipSpeed(snapshot: NodeSnapshot): number {
  const { tooltip } = trayMenu({ kind: 'connected', snapshot, seq: 0 }, { startAtLogin: null, nowMs: Date.now() });
  return Number(/([\d.]+) tok\/s/.exec(tooltip)?.[1]);
}

/** llama.cpp's own account of each long answer in the engine's log, tokens per second, as the library prints it. */
async function ownAccounts(agent: AgentProcess): Promise<number[]> {
  const { lines } = await clientOf(agent).query('logs', { engine: 'embedded', lines: 5000 });
  return lines.flatMap(({ text }) => {
    const match = /^(?!.*prompt).*eval time =\s*([\d.]+) ms \/\s*(\d+) runs/.exec(text);
    const tokens = Number(match?.[2] ?? 0);
    return match && tokens > 10 ? [(tokens * 1_000) / Number(match[1])] : [];
  });
}

/** Reads a streamed answer to its end and counts its pieces; the comments sent while a model loads are none. */
async function countWords(response: Response, words: { count: number; firstAt: number | null }): Promise<void> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) return;
    const pieces = decoder.decode(read.value, { stream: true }).match(/^data: /gmu)?.length ?? 0;
    if (pieces > 0) words.firstAt ??= performance.now();
    words.count += pieces;
  }
}

describe('the panel over a real agent', () => {
  let agent: AgentProcess | undefined;
  const running = (): AgentProcess => {
    if (!agent) throw new Error('no agent runs');
    return agent;
  };

  beforeAll(async () => {
    const model = findTestEngine(testEnginesFolder(process.env), 'gemma');
    if (model === undefined) return;
    agent = await startAgent({ args: ['--set', `models.default=${model}`] });
    await readyClient(agent);
  });

  beforeEach((context) => {
    testEngine(context, 'gemma');
  });

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
  });

  it('shows the figures that status shows, and no problem on the page', async () => {
    const { url } = await clientOf(running()).ticket();
    await using panel = await PanelPage.open(browser(), url);
    const { system, node } = await statusOf(running());
    expect(await panel.sentence().textContent()).toBe(node.sentence);
    await panel.waitForText(panel.figure('cpu-now'), /^\d+ %$/);
    const total = Math.round(system.memory.totalBytes / 2 ** 30);
    await panel.waitForText(panel.figure('memory-now'), new RegExp(`of ${total} GB$`));
    expect(panel.problems).toEqual([]);
  });

  it('panel, tray tooltip and status agree within 10 % with llama.cpp’s own account of an answer', async () => {
    const { url } = await clientOf(running()).ticket();
    await using panel = await PanelPage.open(browser(), url);
    // The surfaces show the last five seconds and llama.cpp the whole answer: a machine that does something else
    // halfway makes the two differ, so one answer out of six has to agree.
    const differences: number[] = [];
    while (differences.length < 6 && Math.min(...differences) >= 0.1) differences.push(await largestDifference(panel));
    expect(Math.min(...differences)).toBeLessThan(0.1);
  }, 240_000);

  /** How far the figures of one answer's first seven seconds are from llama.cpp's own, as a share of the latter. */
  async function largestDifference(panel: PanelPage): Promise<number> {
    const caller = new AbortController();
    const before = (await ownAccounts(running())).length;
    // 1 and 106 end an answer of this model: without them it goes on to the limit.
    const body = { prompt: 'The history of the horse', max_tokens: 4_000, logit_bias: { 1: -100, 106: -100 } };
    const response = await complete(running(), { ...body, stream: true }, caller.signal);
    const words: { count: number; firstAt: number | null } = { count: 0, firstAt: null };
    const reading = countWords(response, words).catch(() => undefined);
    // Seven seconds of words, however long the model took to load; and enough of them to measure on a slow machine.
    const enough = (): boolean =>
      words.firstAt !== null && performance.now() - words.firstAt > 7_000 && words.count > 20;
    await snapshotWhere(running(), ({ gateway }) => gateway.inFlight === 1 && enough(), 100_000);
    const shown = {
      panel: Number(await panel.figure('tokens-now').textContent()),
      status: (await statusOf(running())).gateway.tokensPerSecond,
      tooltip: tooltipSpeed(await clientOf(running()).snapshot()),
    };
    caller.abort();
    await reading;
    await snapshotWhere(running(), ({ gateway, engines }) => gateway.inFlight === 0 && engines[0]?.slots.busy === 0);
    // It prints the account a moment after the answer was given up.
    await until(async () => (await ownAccounts(running())).length > before);
    const own = (await ownAccounts(running())).at(-1) ?? Number.NaN;
    console.log(`tokens/s shown: ${JSON.stringify(shown)}; by llama.cpp: ${own.toFixed(1)}`);
    return Math.max(...Object.values(shown).map((speed) => Math.abs(speed - own) / own));
  }
});
