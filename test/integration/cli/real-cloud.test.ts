import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CloudSnapshot, SecretRow, UsageAnswer } from '../../../electron/contract/cloud.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { snapshotWhere } from '../agent/real-agent.ts';
import { cli, jsonLines } from './cli-process.ts';

const key = 'sk-canary-0123456789abcdefghij';

let agent: AgentProcess;

beforeAll(async () => {
  agent = await startAgent({ env: { RANCH_HAND_SECRETS_STORE: 'file' } });
  await snapshotWhere(agent, ({ engines }) => engines.some(({ state }) => state === 'ready'));
});
afterAll(() => agent[Symbol.asyncDispose]());

const run = (...args: readonly string[]) => cli(args, { dataDir: agent.dataDir });
const document = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await run(...args, '--json')).stdout);

it('the switch is off at first, changes for a time, and shows so to everyone who watches', async () => {
  expect((await document('offload')) as CloudSnapshot).toMatchObject({ offload: 'off', until: null, paused: null });
  const beforeMs = Date.now();
  expect((await run('offload', 'auto', '--for', '1h')).exitCode).toBe(0);
  const { cloud } = await snapshotWhere(agent, (snapshot) => snapshot.cloud.offload === 'auto');
  expect(Date.parse(cloud.until ?? '')).toBeGreaterThanOrEqual(beforeMs + 3_600_000);
  const shown = (await run('offload')).stdout.replace(/\s+/g, ' ');
  expect(shown).toMatch(/^Offload auto, when this node is busy.* · until [^(]*\(in (?:59|1 h 0) min/);
  expect(shown).toContain('Today $0.00 of $10.00');
  expect((await run('offload', 'off')).exitCode).toBe(0);
  await snapshotWhere(agent, (snapshot) => snapshot.cloud.offload === 'off' && snapshot.cloud.until === null);
});

it('a key goes in and is never told again', async () => {
  const outcome = await cli(['secrets', 'set', 'anthropic'], { dataDir: agent.dataDir, input: `${key}\n` });
  expect(outcome).toMatchObject({ exitCode: 0 });
  const { secrets } = (await document('secrets')) as { secrets: readonly SecretRow[] };
  expect(secrets.find(({ provider }) => provider === 'anthropic')).toMatchObject({ state: 'set', store: 'file' });
  for (const words of [
    ['secrets'],
    ['providers'],
    ['providers', 'models'],
    ['status', '--json'],
    ['settings', '--json'],
  ]) {
    const told = await run(...words);
    expect(told.exitCode).toBe(0);
    expect(told.stdout + told.stderr).not.toContain(key);
  }
  await snapshotWhere(agent, ({ cloud }) =>
    cloud.providers.some(({ id, state }) => id === 'anthropic' && state === 'ready'),
  );
  expect((await run('secrets', 'clear', 'anthropic')).exitCode).toBe(0);
  await snapshotWhere(agent, ({ cloud }) =>
    cloud.providers.some(({ id, state }) => id === 'anthropic' && state === 'no-key'),
  );
});

it('usage has what was asked, also as a file with one line for each request', async () => {
  for (let index = 0; index < 3; index += 1) {
    const answer = await fetch(`${agent.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'ranch/auto', messages: [{ role: 'user', content: 'Hello.' }] }),
    });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  const usage = (await document('usage', '--since', '1h')) as UsageAnswer;
  expect(usage.total).toMatchObject({ requests: 3, costUsd: 0 });
  expect(usage.sides).toMatchObject({ local: { requests: 3 }, cloud: { requests: 0 } });
  expect((await run('usage')).stdout).toMatch(/^Local +3 /m);
  const file = join(agent.dataDir, 'usage.csv');
  expect((await run('usage', '--export', 'csv', '--out', file)).exitCode).toBe(0);
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(4);
  expect(jsonLines((await run('usage', '--export', 'json')).stdout)).toHaveLength(3);
});
