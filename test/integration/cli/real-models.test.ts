import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import type { ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import type { AgentProcess } from '../../fixtures/agent-process.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { quantizations, startTwoQuantizations } from '../../fixtures/two-quantizations.ts';
import { readyClient, snapshotWhere } from '../agent/real-agent.ts';
import { cli, jsonLines, type Outcome } from './cli-process.ts';

const { small, large } = quantizations;

describe('models of a real llama-server from the command line', () => {
  let running: AgentProcess | undefined;
  const agent = (): AgentProcess => {
    if (!running) throw new Error('no agent runs');
    return running;
  };
  const hand = (...args: string[]): Promise<Outcome> => cli(args, { dataDir: agent().dataDir });

  beforeAll(async () => {
    if (findTestEngine(testEnginesFolder(process.env), 'llama-server') === undefined) return;
    running = await startTwoQuantizations();
    await readyClient(running);
  }, 180_000);
  afterAll(() => running?.[Symbol.asyncDispose]());

  it(
    'switches the quantization while programs stream, and none of them fails',
    { timeout: 300_000 },
    async (context) => {
      testEngine(context, 'llama-server');
      const callers = new SteadyCaller(agent(), { callers: 2, tokens: 24 });
      await callers.more(2);
      const there = await hand('models', 'use', 'gemma-3-270m', '--quant', 'q8_0', '--json');
      expect(there).toMatchObject({ exitCode: 0, stderr: '' });
      expect(jsonLines(there.stdout).at(-1)).toMatchObject({ type: 'switch', phase: 'done', from: small, to: large });
      await callers.more(4);
      const back = await hand('models', 'use', small);
      expect(back).toMatchObject({ exitCode: 0 });
      await callers.more(4);
      const { failures, answers, models } = await callers.end();
      expect(failures).toEqual([]);
      expect(answers).toBeGreaterThanOrEqual(10);
      expect([...models].sort()).toEqual([small, large]);
    },
  );

  it('shows which one is loaded, and what it measured of it', { timeout: 120_000 }, async (context) => {
    testEngine(context, 'llama-server');
    const snapshot = await snapshotWhere(agent(), ({ models }) =>
      models.some(({ id, loaded, measured }) => id === small && loaded && measured !== null),
    );
    const rows = JSON.parse((await hand('models', '--json')).stdout) as ModelSnapshot[];
    const ids = rows.filter(({ loaded }) => loaded).map(({ id }) => id);
    expect(ids).toContain(small);
    expect(snapshot.models.find(({ id }) => id === small)).toMatchObject({ isDefault: true, engineId: 'llama-server' });
    const table = (await hand('models')).stdout;
    expect(table).toMatch(new RegExp(`^\\* +${small} +Q4_K_M .* loaded`, 'm'));
  });

  it('says that a name is not here, and changes nothing', { timeout: 120_000 }, async (context) => {
    testEngine(context, 'llama-server');
    const outcome = await hand('models', 'use', 'no-such-model');
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[model_not_found]') as string });
    expect((await hand('models', 'show', small)).stdout).toMatch(/answers callers who name no model/);
  });
});
