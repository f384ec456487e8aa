import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../../electron/client/control-client.ts';
import type { AgentFile } from '../../../electron/contract/agent-file.ts';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { readAgentFile } from '../../../electron/host/agent-file.ts';
import { isProcessAlive } from '../../../electron/host/process-identity.ts';
import { skipOrFail } from '../../fixtures/test-engine.ts';
import { figuresOf, readFigures } from './live-figures.ts';
import { eventually } from './rig/running.ts';
import { rigProblem, type ShellProcess } from './rig/shell-program.ts';
import { Workbench } from './rig/workbench.ts';

let bench: Workbench | undefined;
let shell: ShellProcess | undefined;

const ready = <Part>(part: Part | undefined): Part => {
  if (part === undefined) throw new Error('The desktop is not set up.');
  return part;
};

/** Free ports, the panel that this Electron can show, and nothing of a real node of this machine. */
const startShell = () =>
  ready(bench).startShell({
    env: {
      RANCH_HAND_GATEWAY_PORT: '0',
      RANCH_HAND_CONTROL_PORT: '0',
      RANCH_HAND_CONTROL_PANEL_DIR: ready(bench).program.panelDir,
    },
  });

const agent = (): Promise<AgentFile> => eventually('an agent runs', () => readAgentFile(ready(bench).dataDir), 60_000);

beforeAll(async () => {
  if (rigProblem() === null) bench = await Workbench.create();
}, 300_000);

beforeEach((context) => {
  const problem = rigProblem();
  if (problem !== null) skipOrFail(context, problem);
});

afterAll(async () => {
  await shell?.running.end();
  const left = bench ? await readAgentFile(bench.dataDir) : null;
  if (left) {
    process.kill(left.pid, 'SIGTERM');
    await eventually('the agent ends', () => !isProcessAlive(left.pid));
  }
  await bench?.[Symbol.asyncDispose]();
});

describe('the shell and the real agent', () => {
  it('starts an agent where none runs, and shows it as ready', { timeout: 120_000 }, async () => {
    shell = await startShell();
    await agent();
    await eventually('the node is ready', async () => (await ready(bench).shownState()) === 'idle', 90_000);
    await ready(bench).save('real-agent-tray');
  });

  it("shows the agent's live figures in the panel, each beat's own", async () => {
    const { controlUrl, controlToken } = await agent();
    const seen: NodeSnapshot[] = [];
    const end = new AbortController();
    const watching = new ControlClient({ url: controlUrl, token: controlToken }).watch((event) => {
      if (event.kind === 'snapshot') seen.push(event.snapshot);
    }, end.signal);
    try {
      await ready(bench).desktop.click(await ready(bench).trayIcon(), 1);
      const page = await ready(bench).panelPage(ready(shell));
      await ready(bench).save('real-agent-panel');
      // Both follow the same stream: all figures of one moment in the page are those of one sequence number.
      const matched = new Set<number>();
      await eventually(
        'the page has shown three different beats',
        async () => {
          const shown = JSON.stringify(await ready(shell).pages.evaluate(page, readFigures));
          const found = seen.findLastIndex((snapshot) => JSON.stringify(figuresOf(snapshot)) === shown);
          if (found >= seen.length - 3 && found >= 0) matched.add(found);
          return matched.size >= 3;
        },
        40_000,
      );
    } finally {
      end.abort();
      await watching;
    }
  });

  it('leaves the agent running when it is killed, and finds it again', async () => {
    const before = await agent();
    await ready(shell).running.end('SIGKILL');
    expect(isProcessAlive(before.pid)).toBe(true);
    const answer = await new ControlClient({ url: before.controlUrl, token: before.controlToken }).snapshot();
    expect(answer.node.name).not.toBe('');
    shell = await startShell();
    await eventually('the node is shown', async () => (await ready(bench).shownState()) === 'idle');
    expect((await agent()).pid).toBe(before.pid);
  });

  it('stops the agent when "Quit and stop the node" is chosen', async () => {
    const { pid } = await agent();
    await ready(bench).openMenu();
    await ready(bench).save('real-agent-menu');
    await ready(bench).desktop.keys('Up', 'Return');
    await ready(shell).running.exited;
    await eventually('the agent ends', () => !isProcessAlive(pid));
    expect(await readAgentFile(ready(bench).dataDir)).toBeNull();
  });
});
