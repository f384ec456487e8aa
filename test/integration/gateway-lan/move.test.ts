import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { GatewayServer } from '../../../electron/agent/gateway/server.ts';

/** Status and body of a GET, or the code of the system error that ended it. */
function get(host: string, port: number, hostHeader: string): Promise<string> {
  return new Promise((resolve) => {
    const ask = request({ host, port, headers: { host: hostHeader }, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
      response.on('error', () => resolve('cut'));
    });
    ask.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    ask.end();
  });
}

async function rig(hosts: () => readonly string[] = () => []) {
  const held: (() => void)[] = [];
  const server = new GatewayServer(
    {
      host: '127.0.0.1',
      port: 0,
      hosts,
      maxHeaderBytes: 16_384,
      maxHeaders: 100,
      headersMs: 10_000,
      keepAliveMs: 5_000,
    },
    {
      clock: systemClock,
      handlers: {
        request: (incoming, response) => {
          if (incoming.url !== '/held') response.end('ok');
          else {
            response.write('begun ');
            held.push(() => response.end('and ended'));
          }
        },
        refused: (_incoming, response, error) => {
          response.statusCode = 421;
          response.end(error.code);
        },
        encodeRefusal: (error) => ({ headers: [], body: error.code }),
      },
    },
  );
  const { port } = await server.listen();
  onTestFinished(async () => {
    const stopped = server.stopAccepting();
    server.closeConnections();
    await stopped;
  });
  return { server, port, held };
}

describe('GatewayServer on the network', () => {
  it('moves to another address on the same port, and answers under way go on', async () => {
    const { server, port, held } = await rig();
    expect(await get('127.0.0.2', port, `127.0.0.1:${port}`)).toBe('ECONNREFUSED');
    const begun = new Promise<string>((resolve) => {
      const ask = request({ host: '127.0.0.1', port, path: '/held', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.once('data', () => {
          void server.move('0.0.0.0').then(() => held[0]?.());
        });
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve(text));
      });
      ask.end();
    });
    expect(await begun).toBe('begun and ended');
    expect(await get('127.0.0.2', port, `127.0.0.1:${port}`)).toBe('200 ok');
    expect(await get('127.0.0.1', port, `localhost:${port}`)).toBe('200 ok');
  });

  it('stays where it was when the other address cannot be had', async () => {
    const { server, port } = await rig();
    // TEST-NET-1: never an address of this machine.
    await expect(server.move('192.0.2.1')).rejects.toMatchObject({ code: 'settings_invalid' });
    expect(await get('127.0.0.1', port, `127.0.0.1:${port}`)).toBe('200 ok');
  });

  it('B1 asks on each request which names are the machine’s own', async () => {
    const names: string[] = [];
    const { port } = await rig(() => names);
    expect(await get('127.0.0.1', port, `ranch.local:${port}`)).toBe('421 wrong_host');
    names.push('ranch.local');
    expect(await get('127.0.0.1', port, `ranch.local:${port}`)).toBe('200 ok');
    names.pop();
    expect(await get('127.0.0.1', port, `ranch.local:${port}`)).toBe('421 wrong_host');
  });
});
