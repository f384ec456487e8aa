import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../../electron/contract/trace.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { aKey } from '../../fixtures/example-key.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { snapshotWhere } from '../agent/real-agent.ts';
import { cli } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

let dataDir: string;
let agent: FakeAgent;

const secret = `rh_${'x'.repeat(43)}`;
const has = (...keys: readonly unknown[]): void => agent.order({ do: 'answer', query: 'keys', answer: { keys } });
const body = async (command: string): Promise<unknown> =>
  (await agent.heard('request', `/control/v1/commands/${command}`)).body;

describe('keys', () => {
  beforeEach(async () => {
    dataDir = makeTempFolder();
    agent = await startFakeAgent(dataDir);
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    removeFolder(dataDir);
  });

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

describe('keys and traces of the real agent', () => {
  let real: AgentProcess;

  beforeAll(async () => {
    real = await startAgent();
    await snapshotWhere(real, ({ engines }) => engines.some(({ state }) => state === 'ready'));
  });
  afterAll(() => real[Symbol.asyncDispose]());

  const run = async (...args: readonly string[]) => cli(args, { dataDir: real.dataDir });
  const document = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run(...args, '--json')).stdout);
  const ask = (secret: string | null, body: object = {}): Promise<Response> =>
    fetch(`${real.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(secret !== null && { authorization: `Bearer ${secret}` }) },
      body: JSON.stringify({ model: 'ranch/auto', messages: [{ role: 'user', content: 'Hello.' }], ...body }),
    });
  const traceOf = (response: Response): string => response.headers.get('x-ranch-trace') ?? '';

  it('lets programs in without a key until one is made, then only with it, and accounts for each', async () => {
    const before = await ask('a placeholder');
    expect(before.status).toBe(200);
    await before.text();
    const made = await run('keys', 'add', 'laptop');
    expect(made.exitCode).toBe(0);
    const secret = made.stdout.trim();
    expect((await ask(null)).status).toBe(401);
    const answered = await ask(secret);
    expect(answered.status).toBe(200);
    await answered.text();
    const trace = (await document('trace', traceOf(answered))) as Trace;
    expect(trace).toMatchObject({ key: 'laptop', from: '127.0.0.1', state: 'done', route: 'local' });
    expect(trace.candidates.some(({ verdict }) => verdict === 'planned')).toBe(true);
    expect((await run('trace', traceOf(answered).slice(0, 8))).stdout).toContain('Answered by');
    const { traces } = (await document('trace', '--key', 'laptop')) as { traces: Trace[] };
    expect(traces.map((each) => each.trace)).toEqual([traceOf(answered)]);
    // The verbs go by the control API and need no key.
    expect(await document('keys')).toMatchObject({ keys: [{ name: 'laptop', requestsTotal: 1 }] });
  });

  it('holds a key to its limits from the next request on, and says when to come back', async () => {
    const { key } = (await document('keys', 'add', 'batch', '--requests-per-minute', '2')) as { key: string };
    for (let index = 0; index < 2; index += 1) {
      const answer = await ask(key);
      expect(answer.status).toBe(200);
      await answer.text();
    }
    const refused = await ask(key);
    expect(refused.status).toBe(429);
    const retryAfterS = Number(refused.headers.get('retry-after'));
    expect(retryAfterS).toBeGreaterThan(0);
    expect(retryAfterS).toBeLessThanOrEqual(61);
    expect(refused.headers.get('x-ranch-reason')).toBe('key-limit');
    await run('keys', 'update', 'batch', '--requests-per-minute', 'none');
    expect((await ask(key)).status).toBe(200);
  });

  it('tells Prometheus, with a key', async () => {
    const { key } = (await document('keys', 'add', 'prometheus')) as { key: string };
    expect((await fetch(`${real.gatewayUrl}/metrics`)).status).toBe(401);
    const answer = await fetch(`${real.gatewayUrl}/metrics`, { headers: { authorization: `Bearer ${key}` } });
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    expect(text).toMatch(
      /^ranch_gateway_requests_total\{dialect="openai",surface="[a-z-]+",route="local",status="200"/m,
    );
    expect(text).toMatch(/^ranch_engine_up\{engine="embedded",kind="embedded"\} 1$/m);
    expect(text).toMatch(/^ranch_gateway_keys 3$/m);
  });

  it('B19 ends a key at once', async () => {
    const { key } = (await document('keys', 'add', 'gone')) as { key: string };
    await run('keys', 'revoke', 'gone');
    expect((await ask(key)).status).toBe(401);
    expect((await run('keys')).stdout).toContain('1 revoked key not shown');
  });
});
