import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { AgentProcess } from '../../fixtures/agent-process.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { skipOrFail, testEngine } from '../../fixtures/test-engine.ts';
import { quantizations, startTwoQuantizations } from '../../fixtures/two-quantizations.ts';
import { snapshotWhere } from '../../integration/agent/real-agent.ts';
import { rigProblem, type ShellProcess } from './rig/shell-program.ts';
import { Workbench } from './rig/workbench.ts';

vi.setConfig({ testTimeout: 300_000 });

let bench: Workbench | undefined;
let agent: AgentProcess | undefined;
let shell: ShellProcess | undefined;

beforeAll(async () => {
  if (rigProblem() === null) bench = await Workbench.create();
}, 300_000);

beforeEach((context) => {
  const problem = rigProblem();
  if (problem !== null) skipOrFail(context, problem);
  testEngine(context, 'gemma');
  testEngine(context, 'llama-server');
});

afterAll(async () => {
  await shell?.running.end();
  await agent?.[Symbol.asyncDispose]();
  await bench?.[Symbol.asyncDispose]();
});

it('switches a real llama-server from the tray while programs stream, and none of them fails', async () => {
  if (bench === undefined) throw new Error('The desktop is not set up.');
  agent = await startTwoQuantizations({
    dataDir: bench.dataDir,
    env: { RANCH_HAND_CONTROL_PANEL_DIR: bench.program.panelDir },
  });
  const { small, large } = quantizations;
  await snapshotWhere(agent, ({ models }) => models.some(({ id, loaded }) => id === small && loaded), 120_000);
  shell = await bench.startShell();
  const callers = new SteadyCaller(agent, { callers: 2, tokens: 24 });
  await callers.more(2);
  await bench.trayShows('serving');
  await bench.openMenu();
  // Past three lines of figures, into the models, into the two quantizations of the one there is, to the other.
  await bench.desktop.keys('Down', 'Down', 'Down', 'Down', 'Right', 'Right', 'Down');
  await bench.save('model-switch-menu');
  await bench.desktop.keys('Return');
  const { switching } = await snapshotWhere(
    agent,
    (snapshot) =>
      snapshot.switching?.to === large && ['done', 'failed', 'rolled-back'].includes(snapshot.switching.phase),
    240_000,
  );
  expect(switching).toMatchObject({ phase: 'done', from: small, to: large });
  await callers.more(2);
  const { failures, models } = await callers.end();
  expect(failures).toEqual([]);
  expect([...models]).toContain(large);
});
