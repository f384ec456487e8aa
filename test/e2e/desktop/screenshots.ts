/**
 * Takes the picture of the tray's menu for the documentation, from the shell on a real desktop over a real agent:
 *   node test/e2e/desktop/screenshots.ts [--out FILE]
 * The agent has a folder of its own, the real model of the tests where that is there, and questions to answer, so that
 * the figures are those of a node at work.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../../build/bundling/product.ts';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import { ControlClient } from '../../../electron/client/control-client.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import type { XWindow } from './rig/desktop.ts';
import { eventually } from './rig/running.ts';
import { rigProblem } from './rig/shell-program.ts';
import { Workbench } from './rig/workbench.ts';

const { values: options } = parseArgs({
  options: { out: { type: 'string', default: join(projectRoot, 'docs', 'images', 'tray-menu.png') } },
});

/** Asks one question after the other until the signal is aborted. */
async function keepBusy(agent: AgentProcess, signal: AbortSignal): Promise<void> {
  const client = new ControlClient({ url: agent.file.controlUrl, token: agent.file.controlToken });
  const { models } = await client.snapshot();
  const body = JSON.stringify({
    model: (models.find(({ isDefault }) => isDefault) ?? models[0])?.id,
    stream: true,
    max_tokens: 400,
    messages: [{ role: 'user', content: 'Tell a long story of a horse that learns to count.' }],
  });
  while (!signal.aborted) {
    try {
      const answer = await fetch(`${agent.gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal,
      });
      await answer.text();
    } catch {
      // Broken off at the end, or not ready yet: the next one is asked in a moment.
      await pause(500, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** The menu and the icon that it belongs to, with a little of the desktop around. */
function frame(menu: XWindow, icon: XWindow): { x: number; y: number; width: number; height: number } {
  const margin = 12;
  const x = Math.max(0, Math.min(menu.x, icon.x) - margin);
  const y = Math.max(0, menu.y - margin);
  const right = Math.max(menu.x + menu.width, icon.x + icon.width) + margin;
  return { x, y, width: right - x, height: icon.y + icon.height + 5 - y };
}

async function main(): Promise<void> {
  const problem = rigProblem();
  if (problem !== null) throw new Error(problem);
  await using bench = await Workbench.create();
  const model = findTestEngine(testEnginesFolder(process.env), 'gemma');
  await using agent = await startAgent({
    dataDir: bench.dataDir,
    args: model === undefined ? [] : ['--set', `models.default=${model}`],
    env: { RANCH_HAND_CONTROL_PANEL_DIR: bench.program.panelDir },
  });
  const end = new AbortController();
  const busy = keepBusy(agent, end.signal);
  try {
    await using shell = await bench.startShell();
    const atWork = async (): Promise<boolean> => {
      const state = await bench.shownState();
      return state === 'serving' || state === 'saturated';
    };
    await eventually('the tray shows a node at work', atWork, 120_000);
    // Long enough for a speed to have been measured and for the menu to have been drawn with it.
    await pause(12_000);
    const menu = await bench.openMenu();
    await bench.desktop.screenshot(options.out, frame(menu, await bench.trayIcon()));
    if (!shell.running.isRunning) throw new Error('The shell has ended.');
  } finally {
    end.abort();
    await busy;
  }
}

await main();
