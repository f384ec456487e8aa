import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { cleanEnvironment, startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import type { LanRequest, LanResult } from './lan-caller.ts';
import { TwoMachines, whyNoNamespaces, type Program } from './namespaces.ts';

const callerScript = join(projectRoot, 'test/integration/gateway-lan/lan-caller.ts');
const missing = whyNoNamespaces();
const settings = ['--set', 'gateway.listen=lan', '--set', 'gateway.names=["ai.test"]'];

describe('the real agent on a network', () => {
  let machines: TwoMachines;
  let agent: AgentProcess;
  /** A program on the other machine, and one beside the agent. */
  let caller: Program;
  let neighbour: Program;
  let port: number;
  let key: string;

  beforeEach(({ skip }) => {
    if (missing !== null) skip(missing);
  });
  beforeAll(async () => {
    if (missing !== null) return;
    machines = new TwoMachines();
    agent = await startAgent({ args: settings, runner: machines.node.runner });
    port = Number(new URL(agent.gatewayUrl).port);
    caller = machines.other.start(callerScript);
    neighbour = machines.node.start(callerScript);
  });
  afterAll(async () => {
    if (missing !== null) return;
    for (const program of [caller, neighbour, agent]) await program[Symbol.asyncDispose]();
    machines[Symbol.dispose]();
  });

  const verb = async (...args: readonly string[]): Promise<unknown> => {
    const env = cleanEnvironment({ RANCH_HAND_DATA_DIR: agent.dataDir });
    return JSON.parse(await machines.node.run(join(projectRoot, 'dist/cli.js'), [...args, '--json'], env)) as unknown;
  };
  const status = async (): Promise<NodeSnapshot> => (await verb('status')) as NodeSnapshot;
  const from = async (who: Program, to: string, more: Partial<LanRequest> = {}): Promise<LanResult> => {
    const headers = { host: `${to.includes(':') ? `[${to}]` : to}:${port}`, ...more.headers };
    return (await who.ask({ host: to, port, ...more, headers } satisfies LanRequest)) as LanResult;
  };
  /** Asks again until the answer is another one than this, for a bounded time. */
  const unless = async (ask: () => Promise<LanResult>, not: Partial<LanResult>): Promise<LanResult> => {
    const isThat = (answer: LanResult): boolean =>
      Object.entries(not).every(([name, value]) => value === { ...answer }[name as keyof LanResult]);
    let answer = await ask();
    for (const until = Date.now() + 30_000; isThat(answer) && Date.now() < until;) answer = await ask();
    return answer;
  };

  it('B14 is not there while there is no key, says so, and serves its own machine without one', async () => {
    expect(await from(caller, machines.node.four)).toEqual({ failed: 'ECONNREFUSED' });
    expect(await from(caller, machines.node.six)).toEqual({ failed: 'ECONNREFUSED' });
    expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 200 });
    // A proxy beside it hands on the listed name; the machine's own names are of the network.
    expect(await from(neighbour, '127.0.0.1', { headers: { host: 'ai.test' } })).toMatchObject({ status: 200 });
    expect(await from(neighbour, '127.0.0.1', { headers: { host: hostname() } })).toMatchObject({ status: 421 });
    const { gateway, notices } = await status();
    expect(gateway.listening).toEqual({ scope: 'loopback', addresses: ['127.0.0.1'] });
    expect(notices).toContainEqual(expect.objectContaining({ id: 'lan-not-listening' }));
  });

  it('B14 opens in the moment when the first key is made, and takes nobody without one, from anywhere', async () => {
    ({ key } = (await verb('keys', 'add', 'phone')) as { key: string });
    const first = await unless(() => from(caller, machines.node.four), { failed: 'ECONNREFUSED' });
    expect(first).toMatchObject({ status: 401 });
    expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 401 });
    expect(await from(caller, machines.node.four, { headers: { 'x-api-key': 'ollama' } })).toMatchObject({
      status: 401,
    });
    const { gateway, notices } = await status();
    expect(gateway).toMatchObject({ keysTotal: 1, listening: { scope: 'lan' } });
    expect(gateway.listening.addresses).toEqual(expect.arrayContaining([machines.node.four, `[${machines.node.six}]`]));
    expect(notices.map(({ id }) => id)).not.toContain('lan-not-listening');
  });

  it('tells anybody that it is there, and nothing else', async () => {
    expect(await from(caller, machines.node.four, { path: '/health' })).toMatchObject({ status: 200 });
    expect(await from(caller, machines.node.four, { path: '/metrics' })).toMatchObject({ status: 401 });
  });

  it.each([
    ['authorization', (secret: string) => `Bearer ${secret}`],
    ['x-api-key', (secret: string) => secret],
    ['x-goog-api-key', (secret: string) => secret],
  ])('B16 takes the key through %s on every kind of route, over IPv4 and IPv6', async (name, value) => {
    const headers = { [name]: value(key) };
    for (const path of ['/v1/models', '/api/tags', '/api/version', '/metrics']) {
      for (const address of [machines.node.four, machines.node.six]) {
        expect(await from(caller, address, { headers, path }), path).toMatchObject({ status: 200 });
        expect(await from(caller, address, { path }), path).toMatchObject({ status: 401 });
      }
    }
    expect(await from(neighbour, '127.0.0.1', { headers })).toMatchObject({ status: 200 });
  });

  it('knows who called', async () => {
    const { gateway } = await status();
    const who = gateway.callers.map((each) => [each.key, each.from]);
    expect(who).toEqual(
      expect.arrayContaining([
        ['phone', machines.other.four],
        ['phone', machines.other.six],
        ['phone', '127.0.0.1'],
        [null, '127.0.0.1'],
      ]),
    );
    const { keys } = (await verb('keys')) as { keys: { name: string; requestsTotal: number }[] };
    expect(keys[0]).toMatchObject({ name: 'phone' });
    expect(keys[0]?.requestsTotal).toBeGreaterThan(10);
  });

  it.each([hostname(), `${hostname().split('.')[0]}.local`, 'ai.test', 'localhost'])(
    'answers to its name %s',
    async (name) => {
      const headers = { 'x-api-key': key, host: `${name}:${port}` };
      expect(await from(caller, machines.node.four, { headers })).toMatchObject({ status: 200 });
    },
  );

  it.each(['ai.test', 'AI.test', 'ai.test:443'])('answers a proxy that keeps Host %s', async (host) => {
    const headers = { 'x-api-key': key, host };
    expect(await from(caller, machines.node.four, { headers })).toMatchObject({ status: 200 });
  });

  it.each([
    ['B1', { host: 'evil.com' }, 421],
    ['B3', { host: `${hostname()}:443` }, 421],
    ['B3', { host: hostname() }, 421],
    ['B2', { host: 'localhost.evil.com:PORT' }, 421],
    ['B1', { host: '10.77.0.2:PORT' }, 421],
    ['B6', { origin: 'http://evil.com' }, 403],
    ['B7', { origin: 'null' }, 403],
    ['B9', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('%s refuses %j from the network, with a good key too', async (_id, bad, expected) => {
    const given = Object.entries(bad).map(([name, value]) => [name, value.replace('PORT', String(port))]);
    const headers = { 'x-api-key': key, ...(Object.fromEntries(given) as Record<string, string>) };
    expect(await from(caller, machines.node.four, { headers })).toMatchObject({ status: expected });
  });

  it('B18 refuses a key in the address from the network', async () => {
    const asked = await from(caller, machines.node.four, { path: `/v1/models?key=${key}` });
    expect(asked).toMatchObject({ status: 401 });
    expect(JSON.stringify(asked)).not.toContain(key);
  });

  it('answers at an address that the machine got meanwhile', async () => {
    const headers = { 'x-api-key': key };
    machines.node.addAddress('10.77.0.9/24');
    // The list of addresses is a second old at most.
    expect(await unless(() => from(caller, '10.77.0.9', { headers }), { status: 421 })).toMatchObject({ status: 200 });
  });

  it('B19 refuses a revoked key on the connection that it had, and opens to nobody with the last key gone', async () => {
    const headers = { 'x-api-key': key };
    const before = await from(caller, machines.node.four, { headers });
    await verb('keys', 'revoke', 'phone');
    const after = await from(caller, machines.node.four, { headers });
    expect(before).toMatchObject({ status: 200 });
    expect(after).toMatchObject({ status: 401, ...('socket' in before && { socket: before.socket }) });
    expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 401 });
  });

  it('B18 writes the key nowhere', () => {
    const files = readdirSync(agent.dataDir, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    expect(files.map(({ name }) => name)).toContain('keys.db');
    const holding = files.filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(key.slice(9)));
    expect(holding.map(({ name }) => name)).toEqual([]);
    expect(agent.output).not.toContain(key.slice(9));
  });
});
