/** A program that calls the node: each line of standard input is a request, each line of output what came of it. */
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';

export interface LanRequest {
  readonly host: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly path?: string;
}
/** `socket`: which connection it went over, counted from 1. */
export type LanResult =
  { readonly status: number; readonly text: string; readonly socket: number } | { readonly failed: string };

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Map<unknown, number>();

function call({ host, port, headers, path = '/v1/models' }: LanRequest): Promise<LanResult> {
  return new Promise((resolve) => {
    const asked = request({ host, port, headers, path, agent, timeout: 30_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        const socket = sockets.get(asked.socket) ?? 0;
        resolve({ status: response.statusCode ?? 0, text, socket });
      });
    });
    asked.on('socket', (socket) => {
      if (!sockets.has(socket)) sockets.set(socket, sockets.size + 1);
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', (error) => resolve({ failed: 'code' in error ? String(error.code) : error.message }));
    asked.end();
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await call(JSON.parse(line) as LanRequest))}\n`);
}
