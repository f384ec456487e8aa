import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aTrace } from '../../fixtures/example-trace.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { cli } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

let dataDir: string;
let agent: FakeAgent;

beforeEach(async () => {
  dataDir = makeTempFolder();
  agent = await startFakeAgent(dataDir);
});
afterEach(async () => {
  await agent[Symbol.asyncDispose]();
  removeFolder(dataDir);
});

describe('trace', () => {
  it('accounts for one decision, and gives it whole as JSON', async () => {
    agent.order({ do: 'answer', query: 'trace', answer: { trace: aTrace() } });
    const { exitCode, stdout } = await cli(['trace', '00000000000000a1'], { dataDir });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Trace 00000000000000a1');
    expect(stdout).toContain('llama-server, local-idle: A slot is free');
    expect((await agent.heard('request', '/control/v1/queries/trace')).query).toEqual({ id: '00000000000000a1' });
    expect(JSON.parse((await cli(['trace', '0000', '--json'], { dataDir })).stdout)).toEqual(aTrace());
  });

  it('lists the latest that fit every filter', async () => {
    agent.order({ do: 'answer', query: 'traces', answer: { traces: [aTrace()], total: 1 } });
    const filters = {
      before: 'b7c1000000000002',
      key: 'laptop',
      model: 'gemma',
      route: 'local',
      state: 'done',
      dialect: 'ollama',
      session: 's-1',
      limit: '5',
    };
    const args = Object.entries(filters).flatMap(([name, value]) => [`--${name}`, value]);
    const { exitCode, stdout } = await cli(['trace', ...args], { dataDir });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^At +Trace +Key/);
    expect((await agent.heard('request', '/control/v1/queries/traces')).query).toEqual(filters);
    const answer: unknown = JSON.parse((await cli(['trace', '--json'], { dataDir })).stdout);
    expect(answer).toEqual({ traces: [aTrace()], total: 1 });
  });

  it('takes no id that is too short, and no filter that there is not', async () => {
    expect(await cli(['trace', 'abc'], { dataDir })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('at least 4 characters') as string,
    });
    expect((await cli(['trace', '--route', 'moon'], { dataDir })).exitCode).toBe(2);
  });
});
