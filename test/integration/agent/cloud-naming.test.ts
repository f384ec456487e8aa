import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { cli } from '../cli/cli-process.ts';
import { clientOf, snapshotWhere } from './real-agent.ts';

const aDay = (scope: string) => ({ scope, period: 'day', limit: 1 });
/** Set by hand before any of it was looked at. */
const before = {
  budgets: [aDay('all'), aDay('provider:Anthropic'), aDay('model:anthropic/claude-opus-5.5'), aDay('key:tablet')],
  windows: [{ target: 'antropic', toMinute: 30 }],
};

const dataDir = makeTempFolder();
const file = join(dataDir, 'config.json');
let agent: AgentProcess;

beforeAll(async () => {
  writeFileSync(file, JSON.stringify({ version: 1, cloud: before }));
  agent = await startAgent({
    dataDir,
    env: { RANCH_HAND_SECRETS_STORE: 'file', RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false' },
  });
});
afterAll(async () => {
  await agent.stop();
  removeFolder(dataDir);
});

/** Of budgets and windows that hold for nothing. */
const told = /^cloud-(?:budgets|windows)-/;

describe('budgets and windows for what there is not', () => {
  it('L6 hold as they are after a start, and each is told with what would fit', async () => {
    const { cloud, notices } = await clientOf(agent).snapshot();
    expect(cloud.budgets.map(({ scope }) => scope)).toEqual(before.budgets.map(({ scope }) => scope));
    const found = notices.filter(({ id }) => told.test(id));
    expect(found.map(({ id, severity }) => [id, severity])).toEqual([
      ['cloud-budgets-provider:Anthropic', 'warning'],
      ['cloud-budgets-model:anthropic/claude-opus-5.5', 'warning'],
      ['cloud-windows-antropic', 'warning'],
      ['cloud-budgets-key:tablet', 'info'],
    ]);
    expect(found[0]?.sentence).toContain('Write "provider:anthropic".');
    expect(found[1]?.sentence).toContain('"model:anthropic/claude-opus-5-5"');
    expect(found[2]?.sentence).toContain('Write "anthropic"');
  });

  it('L6 B66 are refused where they are set, and nothing is written', async () => {
    const written = readFileSync(file, 'utf8');
    const budgets = [...before.budgets, aDay('provider:opneai')];
    await expect(clientOf(agent).command('settings.update', { key: 'cloud.budgets', value: budgets })).rejects.toThrow(
      /"provider:opneai", for it would limit nothing: .*Write "provider:openai"/,
    );
    const typed = JSON.stringify([{ target: 'claude-opus-5-5', toMinute: 30 }]);
    const outcome = await cli(['settings', 'set', 'cloud.windows', typed], { dataDir });
    expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/Write "anthropic\/claude-opus-5-5".*\[settings_invalid\]\n$/);
    expect(readFileSync(file, 'utf8')).toBe(written);
  });

  it('are in the way of no other change, and told until they are mended', async () => {
    const left = before.budgets.slice(0, 3).map((budget) => ({ ...budget, limit: 2 }));
    await clientOf(agent).command('settings.update', { key: 'cloud.budgets', value: left });
    await clientOf(agent).command('settings.update', { key: 'cloud.windows', value: [] });
    const { notices } = await snapshotWhere(
      agent,
      (next) => !next.notices.some(({ id }) => id === 'cloud-windows-antropic'),
    );
    expect(notices.filter(({ id }) => told.test(id)).map(({ id }) => id)).toEqual([
      'cloud-budgets-provider:Anthropic',
      'cloud-budgets-model:anthropic/claude-opus-5.5',
    ]);
  });

  it('may come to be: a key that is not made yet is remarked in the terminal, and told no more once it is', async () => {
    const { stdout, exitCode } = await cli(['settings', 'set', 'cloud.budgets', JSON.stringify([aDay('key:phone')])], {
      dataDir,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'The budget for "key:phone" under "cloud.budgets" limits nothing: there is no key of that name.',
    );
    await snapshotWhere(agent, ({ notices }) => notices.some(({ id }) => id === 'cloud-budgets-key:phone'));
    await clientOf(agent).command('keys.add', { name: 'phone' });
    await snapshotWhere(agent, ({ notices }) => !notices.some(({ id }) => told.test(id)));
  });
});
