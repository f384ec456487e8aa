import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aKey } from '../../fixtures/example-key.ts';
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

const secret = `rh_${'x'.repeat(43)}`;
const has = (...keys: readonly unknown[]): void => agent.order({ do: 'answer', query: 'keys', answer: { keys } });
const body = async (command: string): Promise<unknown> =>
  (await agent.heard('request', `/control/v1/commands/${command}`)).body;

describe('keys', () => {
  it('lists them, and as JSON what the node told', async () => {
    has(aKey());
    expect((await cli(['keys'], { dataDir })).stdout).toMatch(/^Name .*\nlaptop +rh_Ab3dE6…/);
    expect(JSON.parse((await cli(['keys', '--json'], { dataDir })).stdout)).toEqual({ keys: [aKey()] });
  });

  it('add prints the key alone to standard output, and what to do with it beside', async () => {
    has();
    agent.order({ do: 'command', name: 'keys.add', answer: { key: secret, keyId: 'key_1' } });
    const { exitCode, stdout, stderr } = await cli(['keys', 'add', 'my laptop'], { dataDir });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${secret}\n` });
    expect(stderr).toContain('It is shown this once');
    expect(stderr).toContain('from now on no program gets in without a key');
    expect(stderr).not.toContain(secret);
    expect(await body('keys.add')).toEqual({ name: 'my laptop', policy: {} });
  });

  it('add sends every limit that was named, and no other', async () => {
    has(aKey());
    agent.order({ do: 'command', name: 'keys.add', answer: { key: secret, keyId: 'key_1' } });
    const limits = ['--scope', 'admin', '--priority', 'low', '--max-priority', 'normal', '--ceiling', 'ranch'];
    const models = ['--model', 'gemma*', '--model', 'ranch/auto', '--default-model', 'gemma'];
    const rates = ['--requests-per-minute', '60', '--tokens-per-minute', '100000', '--concurrency', '2'];
    const { stdout, stderr } = await cli(
      ['keys', 'add', 'batch', ...limits, ...models, ...rates, '--dollars-per-day', '0.5', '--json'],
      { dataDir },
    );
    expect(JSON.parse(stdout)).toEqual({ ok: true, name: 'batch', key: secret, keyId: 'key_1' });
    expect(stderr).toBe('');
    expect(await body('keys.add')).toEqual({
      name: 'batch',
      scope: 'admin',
      policy: {
        priority: 'low',
        maxPriority: 'normal',
        ceiling: 'ranch',
        models: ['gemma*', 'ranch/auto'],
        defaultModel: 'gemma',
        requestsPerMinute: 60,
        tokensPerMinute: 100_000,
        concurrency: 2,
        dollarsPerDay: 0.5,
      },
    });
  });

  it.each([
    [['keys', 'add', 'a', '--requests-per-minute', '0']],
    [['keys', 'add', 'a', '--concurrency', '1.5']],
    [['keys', 'add', 'a', '--priority', 'urgent']],
    [['keys', 'add']],
    [['keys', 'update', 'laptop']],
  ])('%j is wrong usage', async (args) => {
    has(aKey());
    expect((await cli(args, { dataDir })).exitCode).toBe(2);
    expect(agent.requests().some(({ path }) => path.includes('/commands/'))).toBe(false);
  });

  it('update keeps what was not named, and takes a limit away', async () => {
    const policy = { ...aKey().policy, requestsPerMinute: 60, concurrency: 2 };
    has(aKey({ policy }));
    const { stdout, exitCode } = await cli(
      ['keys', 'update', 'Laptop', '--requests-per-minute', 'none', '--priority', 'low'],
      { dataDir },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('new limits from its next request on: low priority, 2 at once');
    expect(await body('keys.update')).toEqual({
      id: aKey().id,
      policy: { ...policy, requestsPerMinute: null, priority: 'low' },
    });
    expect(await cli(['keys', 'update', 'nobody', '--concurrency', '1'], { dataDir })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[not_found]') as string,
    });
  });

  it('revoke says so when nobody gets in any more', async () => {
    has(aKey({ revokedAt: '2026-11-22T12:00:00.000Z' }));
    const { stdout } = await cli(['keys', 'revoke', 'laptop'], { dataDir });
    expect(stdout).toMatch(/^The key laptop opens nothing any more\. No key is valid now/);
    expect(await body('keys.revoke')).toEqual({ id: 'laptop' });
    has(aKey());
    expect((await cli(['keys', 'revoke', 'other'], { dataDir })).stdout).toBe(
      'The key other opens nothing any more.\n',
    );
  });

  it('tells why the node refused', async () => {
    has();
    const error = { code: 'conflict', message: 'There is a key named "a" already.' };
    agent.order({ do: 'command', name: 'keys.add', status: 409, answer: { error } });
    expect(await cli(['keys', 'add', 'a'], { dataDir })).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'ranch-hand: There is a key named "a" already. [conflict]\n',
    });
  });
});
