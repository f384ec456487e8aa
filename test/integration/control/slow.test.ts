import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendAsOperator, startNode, token, type ControlNode } from './control-node.ts';

const deadlines = { headersMs: 1_000, requestMs: 2_000, checkEveryMs: 25 };
let node: ControlNode;

beforeAll(async () => {
  node = await startNode({ deadlines });
});

afterAll(async () => {
  await node.stop();
});

/** Sends a beginning, then one more byte every few milliseconds; resolves with what came back before the close. */
function trickle(port: number, beginning: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(beginning));
    const dripping = setInterval(() => socket.write('x'), 20);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => (text += piece));
    // The other side closes while bytes are under way, which may show as a reset; what it said has come by then.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(dripping);
      resolve(text);
    });
  });
}

describe('who sends slowly', () => {
  it('B25 headers that trickle end with 408 at their deadline', async () => {
    const answer = await trickle(
      node.port,
      `GET /control/v1/snapshot HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nX-Slow: `,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
    expect((await sendAsOperator(node.port, '/control/v1/snapshot')).status).toBe(200);
  });

  it('B26 a body that trickles ends with 408 at its deadline, and nothing is done', async () => {
    const answer = await trickle(
      node.port,
      `POST /control/v1/commands/engines.restart HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\n` +
        `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"id":"`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
    expect(node.commands).toEqual([]);
    expect((await sendAsOperator(node.port, '/control/v1/snapshot')).status).toBe(200);
  });
});
