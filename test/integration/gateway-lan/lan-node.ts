/**
 * A node's door in a process of its own: the real server, keys and network door, with an answer that says who asked.
 * Argument: a data folder. First line of output: its port; then one line for each command on standard input.
 */
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { toAppError, traitsOf } from '../../../electron/agent/base/errors.ts';
import { silentLogger as logger } from '../../../electron/agent/base/logger.ts';
import { GatewayAccess } from '../../../electron/agent/gateway/access/gateway-access.ts';
import { KeyStore } from '../../../electron/agent/gateway/access/key-store.ts';
import { LiveHosts } from '../../../electron/agent/gateway/access/lan-hosts.ts';
import { NetworkDoor } from '../../../electron/agent/gateway/access/network-door.ts';
import { GatewayServer } from '../../../electron/agent/gateway/server.ts';
import { policySchema } from '../../../electron/contract/keys.ts';

/** `add` and `revoke` a key by name. */
export type LanOrder = { readonly add: string } | { readonly revoke: string };
export interface LanAnswer {
  readonly key: string | null;
  readonly scope: string;
  readonly addresses: string[];
}

const clock = systemClock;
const keys = new KeyStore({ file: join(process.argv[2] ?? '', 'keys.db') }, { clock, logger });
const access = new GatewayAccess({ keys, clock });
const interfaces = (): ReturnType<typeof networkInterfaces> => networkInterfaces();
const hosts = new LiveHosts({
  clock,
  names: () => ({ hostname: 'Ranch.lan', names: ['ai.test'], interfaces: interfaces() }),
});
const server = new GatewayServer(
  {
    host: '127.0.0.1',
    port: 0,
    hosts: () => hosts.list(),
    maxHeaderBytes: 16_384,
    maxHeaders: 100,
    headersMs: 10_000,
    keepAliveMs: 60_000,
  },
  {
    clock,
    handlers: {
      request: (request, response) => {
        try {
          const { rawHeaders, url = '', socket } = request;
          const caller = access.identify({ rawHeaders, url, from: socket.remoteAddress ?? '' });
          response.end(`${caller.keyName ?? 'nobody'} from ${caller.from}`);
        } catch (error) {
          const { code } = toAppError(error);
          response.statusCode = traitsOf(code).httpStatus;
          response.end(code);
        }
      },
      refused: (_request, response, error) => {
        response.statusCode = traitsOf(error.code).httpStatus;
        response.end(error.code);
      },
      encodeRefusal: (error) => ({ headers: [], body: error.code }),
    },
  },
);
const { port } = await server.listen();
const door = new NetworkDoor(
  { wanted: 'lan', loopback: '127.0.0.1' },
  { move: (host) => server.move(host), keys, interfaces, logger },
);
await door.start();

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function obey(order: LanOrder): Promise<LanAnswer> {
  const opened =
    door.scope === 'lan' ? Promise.resolve() : new Promise<void>((resolve) => door.changed.subscribe(() => resolve()));
  let key: string | null = null;
  if ('revoke' in order) keys.revoke(order.revoke);
  else key = keys.add({ name: order.add, scope: 'inference', policy: policySchema.parse({}) }).key;
  await opened;
  return { key, scope: door.scope, addresses: door.addresses() };
}

say({ port, scope: door.scope });
for await (const line of createInterface({ input: process.stdin })) say(await obey(JSON.parse(line) as LanOrder));
