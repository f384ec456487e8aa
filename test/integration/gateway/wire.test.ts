import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock, type Clock } from '../../../electron/agent/base/clock.ts';
import { HttpUpstream } from '../../../electron/agent/inference/wire/http-upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';

const never = new AbortController().signal;
const request = { method: 'POST', path: '/x', headers: { 'X-A': 'b' }, body: Buffer.from('{}') } as const;
const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

interface Received {
  raw: string;
  payload: string;
  /** `end`, or the error's code and whether the framing is intact. */
  over: string;
}

function receive(response: WireResponse): Promise<Received> {
  return new Promise((resolve) => {
    const received: Received = { raw: '', payload: '', over: '' };
    const finish = (over: string): void => resolve({ ...received, over });
    response.body.pipe({
      raw: (bytes) => {
        received.raw += bytes.toString('latin1');
        return true;
      },
      payload: (bytes, start, end) => (received.payload += bytes.toString('latin1', start, end)),
      end: () => finish('end'),
      fail: (error, intact) => finish(`${error.code} ${intact ? 'intact' : 'broken'}`),
    });
  });
}

describe('HttpUpstream', () => {
  let server: Server | undefined;
  let upstream: HttpUpstream | undefined;

  afterEach(() => {
    upstream?.close();
    server?.close();
  });

  /** A server whose every connection is handled by `handle`, which hears of each piece of a request. */
  async function serve(
    handle: (socket: Socket, piece: string, index: number) => void,
    clock: Clock = systemClock,
  ): Promise<HttpUpstream> {
    let connections = 0;
    server = createServer({ noDelay: true }, (socket) => {
      const index = connections;
      connections += 1;
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => handle(socket, bytes.toString('latin1'), index));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    upstream = new HttpUpstream({ host: '127.0.0.1', port, name: 'The engine' }, { clock });
    return upstream;
  }

  it('sends a head built from empty', async () => {
    let seen = '';
    const client = await serve((socket, piece) => {
      seen += piece;
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    await receive(await client.send(request, never));
    expect(seen).toMatch(/^POST \/x HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nX-A: b\r\nContent-Length: 2\r\n\r\n\{\}$/);
  });

  it('passes whole chunks on before broken bytes of the same read', async () => {
    const client = await serve((socket) => socket.write(`${chunkedHead}2\r\nab\r\n1\r\nc\r\nzz\r\n`));
    expect(await receive(await client.send(request, never))).toEqual({
      raw: '2\r\nab\r\n1\r\nc\r\n',
      payload: 'abc',
      over: 'upstream_failed intact',
    });
  });

  it('holds an incomplete chunk back, so that a break leaves the framing intact', async () => {
    const client = await serve((socket) =>
      socket.write(`${chunkedHead}2\r\nab\r\n5\r\nhel`, () => socket.destroySoon()),
    );
    expect(await receive(await client.send(request, never))).toMatchObject({
      raw: '2\r\nab\r\n',
      over: 'upstream_failed intact',
    });
  });

  it('passes a large chunk on as it comes, and says that a break in it leaves the framing broken', async () => {
    const piece = 'x'.repeat(40_000);
    const client = await serve((socket) => socket.write(`${chunkedHead}ffff\r\n${piece}`, () => socket.destroySoon()));
    const { raw, over } = await receive(await client.send(request, never));
    expect(raw.length).toBe(40_006);
    expect(over).toBe('upstream_failed broken');
  });

  it('leaves trailers out and closes the framing itself', async () => {
    const client = await serve((socket) => socket.write(`${chunkedHead}1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n`));
    expect(await receive(await client.send(request, never))).toEqual({
      raw: '1\r\na\r\n0\r\n\r\n',
      payload: 'a',
      over: 'end',
    });
    expect(client.connections).toEqual({ total: 1, idle: 1 });
  });

  it('gives the same bytes however the answer is cut', async () => {
    const answer = `${chunkedHead}2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n`;
    let cut = 1;
    const client = await serve((socket) => {
      socket.write(answer.slice(0, cut));
      setImmediate(() => socket.write(answer.slice(cut)));
    });
    for (cut = 1; cut < answer.length; cut += 1) {
      const { raw, over } = await receive(await client.send(request, never));
      expect([raw, over]).toEqual([answer.slice(chunkedHead.length), 'end']);
    }
  });

  it('replaces a kept-alive connection that dies before the first byte, once', async () => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    let served = 0;
    const client = await serve((socket, _piece, index) => {
      served += 1;
      if (index === 0 && served === 2) socket.destroy();
      else socket.write(ok);
    });
    expect((await receive(await client.send(request, never))).payload).toBe('ok');
    expect((await receive(await client.send(request, never))).payload).toBe('ok');
    expect(served).toBe(3);
  });

  it('never sends again what was under way for a while: it may be billed', async () => {
    const clock = new ManualClock(0);
    let served = 0;
    const client = await serve((socket) => {
      served += 1;
      if (served !== 2) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      clock.advance(4_000);
      socket.destroy();
    }, clock);
    await receive(await client.send(request, never));
    await expect(client.send(request, never)).rejects.toMatchObject({
      code: 'upstream_failed',
      context: { connected: true },
    });
    expect(served).toBe(2);
  });

  it('F4 gives a server the time of a prompt until its first words, and then that of silence', async () => {
    const clock = new ManualClock(0);
    const told: string[] = [];
    const events = new EventEmitter();
    let speak: (text: string) => void = () => undefined;
    const client = await serve((socket) => {
      speak = (text) => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
      socket.write(chunkedHead);
      speak('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n');
    }, clock);
    const deadlines = { firstByteMs: 900_000, promptMs: 900_000, silenceMs: 120_000 };
    const { body } = await client.send({ ...request, deadlines }, never);
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        told.push(bytes.toString('latin1', start, end));
        events.emit('told');
      },
      end: () => told.push('end'),
      fail: (error) => told.push(error.code),
    });
    if (told.length === 0) await once(events, 'told');
    clock.advance(899_000);
    expect(told).toHaveLength(1);
    speak('data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n');
    await once(events, 'told');
    clock.advance(119_000);
    expect(told).toHaveLength(2);
    clock.advance(1_000);
    expect(told.at(-1)).toBe('upstream_silent');
  });

  it('never sends again on a fresh connection, nor after a byte', async () => {
    let served = 0;
    const client = await serve((socket) => {
      served += 1;
      if (served === 1) socket.destroy();
      else if (served === 2) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else socket.write('HTTP/1.1 200', () => socket.destroySoon());
    });
    await expect(client.send(request, never)).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(served).toBe(1);
    await receive(await client.send(request, never));
    await expect(client.send(request, never)).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(served).toBe(3);
  });

  it('does not keep a connection that says more than its answer', async () => {
    const client = await serve((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n'),
    );
    expect((await receive(await client.send(request, never))).payload).toBe('ok');
    expect(client.connections.idle).toBe(0);
  });

  it('opens as many connections as there are requests', async () => {
    const sockets: Socket[] = [];
    const client = await serve((socket) => {
      sockets.push(socket);
      if (sockets.length < 300) return;
      for (const each of sockets) each.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const answers = await Promise.all(
      Array.from({ length: 300 }, async () => receive(await client.send(request, never))),
    );
    expect(answers.every(({ payload }) => payload === 'ok')).toBe(true);
    expect(client.connections).toEqual({ total: 300, idle: 300 });
  });

  it('counts an answer that was given up no longer, from that moment on', async () => {
    const client = await serve((socket) => socket.write(`${chunkedHead}1\r\na\r\n`));
    const gone = new AbortController();
    void receive(await client.send(request, gone.signal));
    expect(client.connections).toEqual({ total: 1, idle: 0 });
    gone.abort();
    expect(client.connections).toEqual({ total: 0, idle: 0 });
  });

  it('tells once when the upstream has nothing more to do with a request, however it went', async () => {
    let told = 0;
    const asked = { ...request, onOver: () => (told += 1) };
    const client = await serve((socket, _piece, index) => {
      if (index === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na');
      else socket.end();
    });
    await receive(await client.send(asked, never));
    expect(told).toBe(1);
    client.close();
    await expect(client.send(asked, never)).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(told).toBe(2);
    await expect(client.send(asked, AbortSignal.abort())).rejects.toMatchObject({ code: 'caller_gone' });
    expect(told).toBe(3);
    await expect(client.send({ ...asked, path: '/ x' }, never)).rejects.toMatchObject({ code: 'internal' });
    expect(told).toBe(4);
  });

  it('tells once of a request that had to be sent again over a new connection', async () => {
    let told = 0;
    const client = await serve((socket, _piece, index) => {
      if (served.has(socket)) socket.destroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${index}`);
      served.add(socket);
    });
    const served = new Set<Socket>();
    await receive(await client.send(request, never));
    const second = await receive(await client.send({ ...request, onOver: () => (told += 1) }, never));
    expect(second).toMatchObject({ payload: '1', over: 'end' });
    expect(told).toBe(1);
  });

  it('fails answers on their way when it is closed', async () => {
    const client = await serve((socket) => socket.write(`${chunkedHead}1\r\na\r\n`));
    const received = receive(await client.send(request, never));
    client.close();
    expect(await received).toMatchObject({ raw: '1\r\na\r\n', over: 'upstream_failed intact' });
    expect(client.connections.total).toBe(0);
  });
});
