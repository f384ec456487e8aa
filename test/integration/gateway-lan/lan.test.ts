import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import type { LanRequest, LanResult } from './lan-caller.ts';
import type { LanAnswer, LanOrder } from './lan-node.ts';
import { TwoMachines, whyNoNamespaces, type Machine, type Program } from './namespaces.ts';

const folder = join(projectRoot, 'test/integration/gateway-lan');
const missing = whyNoNamespaces();

describe.skipIf(missing !== null)(
  `A gateway on the network${missing === null ? '' : ` (left out: ${missing})`}`,
  () => {
    let machines: TwoMachines;
    let dataDir: string;
    let node: Program;
    let caller: Program;
    let neighbour: Program;
    let port: number;
    let key: string;

    const order = async (what: LanOrder): Promise<LanAnswer> => (await node.ask(what)) as LanAnswer;
    const from = async (who: Program, to: string, more: Partial<LanRequest> = {}): Promise<LanResult> => {
      const headers = { host: `${to.includes(':') ? `[${to}]` : to}:${port}`, ...more.headers };
      return (await who.ask({ host: to, port, ...more, headers } satisfies LanRequest)) as LanResult;
    };
    const begin = (machine: Machine): Program => machine.start(join(folder, 'lan-caller.ts'));

    beforeEach(({ skip }) => {
      if (missing !== null) skip(missing);
    });
    beforeAll(async () => {
      if (missing !== null) return;
      machines = new TwoMachines();
      dataDir = makeTempFolder();
      node = machines.node.start(join(folder, 'lan-node.ts'), dataDir);
      caller = begin(machines.other);
      neighbour = begin(machines.node);
      const began = (await node.next()) as { port: number; scope: string };
      port = began.port;
      expect(began.scope).toBe('loopback');
    });
    afterAll(async () => {
      if (missing !== null) return;
      for (const program of [node, caller, neighbour]) await program[Symbol.asyncDispose]();
      machines[Symbol.dispose]();
      removeFolder(dataDir);
    });

    it('B14 is not there while there is no key, and serves its own machine without one', async () => {
      expect(await from(caller, machines.node.four)).toEqual({ failed: 'ECONNREFUSED' });
      expect(await from(caller, machines.node.six)).toEqual({ failed: 'ECONNREFUSED' });
      expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 200, text: 'nobody from 127.0.0.1' });
    });

    it('B14 opens in the moment when the first key is made, and takes nobody without one, from anywhere', async () => {
      const answer = await order({ add: 'phone' });
      expect(answer).toMatchObject({ scope: 'lan' });
      expect(answer.addresses).toEqual(expect.arrayContaining([machines.node.four, `[${machines.node.six}]`]));
      key = answer.key ?? '';
      expect(await from(caller, machines.node.four)).toMatchObject({ status: 401, text: 'unauthorized' });
      expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 401, text: 'unauthorized' });
      expect(await from(caller, machines.node.four, { headers: { 'x-api-key': 'ollama' } })).toMatchObject({
        status: 401,
      });
    });

    it.each([
      ['authorization', (secret: string) => `Bearer ${secret}`],
      ['x-api-key', (secret: string) => secret],
      ['x-goog-api-key', (secret: string) => secret],
    ])('B16 takes the key through %s, over IPv4 and IPv6, and knows who called', async (name, value) => {
      const headers = { [name]: value(key) };
      const { node: here, other } = machines;
      expect(await from(caller, here.four, { headers })).toMatchObject({
        status: 200,
        text: `phone from ${other.four}`,
      });
      expect(await from(caller, here.six, { headers })).toMatchObject({ status: 200, text: `phone from ${other.six}` });
      expect(await from(neighbour, '127.0.0.1', { headers })).toMatchObject({ text: 'phone from 127.0.0.1' });
    });

    it.each(['ranch.lan', 'ranch', 'ranch.local', 'ai.test', 'localhost'])('answers to its name %s', async (name) => {
      const headers = { 'x-api-key': key, host: `${name}:${port}` };
      expect(await from(caller, machines.node.four, { headers })).toMatchObject({ status: 200 });
    });

    it.each([
      ['B1', { host: 'evil.com' }, 421],
      ['B2', { host: 'ranch.local.evil.com:PORT' }, 421],
      ['B1', { host: '10.77.0.2:PORT' }, 421],
      ['B6', { origin: 'http://evil.com' }, 403],
      ['B7', { origin: 'null' }, 403],
      ['B9', { 'sec-fetch-site': 'cross-site' }, 403],
    ])('%s refuses %j from the network, with a good key too', async (_id, bad, status) => {
      const given = Object.entries(bad).map(([name, value]) => [name, value.replace('PORT', String(port))]);
      const headers = { 'x-api-key': key, ...(Object.fromEntries(given) as Record<string, string>) };
      expect(await from(caller, machines.node.four, { headers })).toMatchObject({ status });
    });

    it('B18 refuses a key in the address from the network', async () => {
      const asked = await from(caller, machines.node.four, { path: `/v1/models?key=${key}` });
      expect(asked).toMatchObject({ status: 401 });
    });

    it('answers at an address that the machine got meanwhile', async () => {
      const headers = { 'x-api-key': key };
      machines.node.addAddress('10.77.0.9/24');
      // The list of addresses is a second old at most.
      let answer = await from(caller, '10.77.0.9', { headers });
      for (const until = Date.now() + 10_000; 'status' in answer && answer.status === 421 && Date.now() < until;) {
        answer = await from(caller, '10.77.0.9', { headers });
      }
      expect(answer).toMatchObject({ status: 200 });
    });

    it('B19 refuses a revoked key on the connection that it had', async () => {
      const headers = { 'x-api-key': key };
      const before = await from(caller, machines.node.four, { headers });
      await order({ revoke: 'phone' });
      const after = await from(caller, machines.node.four, { headers });
      expect(before).toMatchObject({ status: 200 });
      expect(after).toMatchObject({ status: 401, ...('socket' in before && { socket: before.socket }) });
      // The last key is gone: nobody gets in, and the door to the network is no wider than before.
      expect(await from(neighbour, '127.0.0.1')).toMatchObject({ status: 401 });
    });
  },
);
