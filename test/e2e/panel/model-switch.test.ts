import { afterAll, beforeEach, expect, it } from 'vitest';
import type { AgentProcess } from '../../fixtures/agent-process.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { quantizations, startTwoQuantizations } from '../../fixtures/two-quantizations.ts';
import { clientOf, snapshotWhere } from '../../integration/agent/real-agent.ts';
import { PanelPage, useChromium } from './panel-page.ts';

const browser = useChromium();
let agent: AgentProcess | undefined;

beforeEach((context) => {
  testEngine(context, 'gemma');
  testEngine(context, 'llama-server');
});
afterAll(() => agent?.[Symbol.asyncDispose]());

it('switches a real llama-server from the panel while programs stream, and none of them fails', async () => {
  const { small, large } = quantizations;
  agent = await startTwoQuantizations();
  await snapshotWhere(agent, ({ models }) => models.some(({ id, loaded }) => id === small && loaded), 120_000);
  await using panel = await PanelPage.open(browser(), (await clientOf(agent).ticket()).url);
  await panel.show('Models');
  const callers = new SteadyCaller(agent, { callers: 2, tokens: 24 });
  await callers.more(2);
  await panel.page.getByRole('button', { name: `Use ${large}` }).click();
  const { switching } = await snapshotWhere(
    agent,
    (now) => now.switching?.to === large && ['done', 'failed', 'rolled-back'].includes(now.switching.phase),
    240_000,
  );
  expect(switching).toMatchObject({ phase: 'done', from: small, to: large });
  await callers.more(2);
  // The row of the one that answers now says so.
  await panel.page
    .getByRole('article', { name: new RegExp(large, 'u') })
    .getByText('In use')
    .waitFor();
  const { failures, models } = await callers.end();
  expect(failures).toEqual([]);
  expect([...models]).toContain(large);
  expect(panel.problems).toEqual([]);
}, 300_000);
