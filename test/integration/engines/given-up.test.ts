import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { InstanceWire } from '../../../electron/agent/engines/process-engine/instance-wire.ts';
import { HoldingUpstream } from '../gateway/holding-upstream.ts';
import { never, read, request } from './llama-server-rig.ts';

const body = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n';
const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
const answered = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;

/** A request in the server, which answers and notices that its caller left when it is told to. */
interface Got {
  readonly name: string;
  readonly slot: number;
  readonly socket: Socket;
  /** That the caller's side is closed. */
  readonly ended: Promise<unknown>;
}

let server: Server;
let got: Got[];
let sockets: Set<Socket>;
let wire: InstanceWire;
let clock: ManualClock;

beforeEach(async () => {
  got = [];
  sockets = new Set();
  clock = new ManualClock();
  server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const ended = once(socket, 'end');
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      const asked = bytes.toString('utf8');
      const fields = JSON.parse(asked.slice(asked.indexOf('\r\n\r\n'))) as { name: string; id_slot: number };
      got.push({ name: fields.name, slot: fields.id_slot, socket, ended });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  wire = new InstanceWire(
    {
      endpoint: {
        port,
        key: null,
        contextLength: 1_024,
        slots: 2,
        capabilities: ['chat'],
        version: null,
        progressOf: null,
        placing: 'slot',
      },
      name: 'The engine',
      noticesInStreams: true,
    },
    { clock, describe: () => new HoldingUpstream().describe() },
  );
});

afterEach(async () => {
  wire.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

interface Asked {
  readonly outcome: Promise<string>;
  /** The caller has heard the first piece of its answer. */
  readonly heard: Promise<undefined>;
  leave(): void;
}

function ask(name: string): Asked {
  const gone = new AbortController();
  const { promise: heard, resolve } = Promise.withResolvers<undefined>();
  const outcome = wire.upstream
    .generate(request('m', { name, messages: [], stream: true }), gone.signal)
    .then((response) => read(response, () => resolve(undefined)))
    .then(({ error }) => (error ? 'broken off' : 'answered'))
    .catch((error: unknown) => (error as { code: string }).code);
  return { outcome, heard, leave: () => gone.abort() };
}

const names = (): string[] => got.map(({ name }) => name);
const arrived = (count: number): Promise<unknown> => expect.poll(() => got.length).toBe(count);
/** Whatever is under way on the loopback has come: an own question has gone there and back. */
async function settled(): Promise<void> {
  const before = got.length;
  void wire.upstream
    .generate(request('m', { name: 'vector', input: 'a' }, 'embedding'), never())
    .catch(() => undefined);
  await expect.poll(() => names().slice(before)).toContain('vector');
  got = got.filter(({ name }) => name !== 'vector');
}

describe('requests that were given up, at a server that notices it late', () => {
  it('L4 hold their slots until it does: the next ones wait here, in their order', async () => {
    const [a, b] = [ask('a'), ask('b')];
    await arrived(2);
    const [c, d, e] = [ask('c'), ask('d'), ask('e')];
    a.leave();
    expect(await a.outcome).toBe('caller_gone');
    await got[0]?.ended;
    await settled();
    expect(names()).toEqual(['a', 'b']);
    // The given-up one counts no longer; b is under way, three wait, and the vector.
    expect(wire.busy).toBe(5);
    d.leave();
    expect(await d.outcome).toBe('caller_gone');
    got[0]?.socket.end();
    await arrived(3);
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(got[2]?.slot).toBe(got[0]?.slot);
    got[1]?.socket.write(`${answered}0\r\n\r\n`);
    expect(await b.outcome).toBe('answered');
    await arrived(4);
    expect(names()).toEqual(['a', 'b', 'c', 'e']);
    expect(got[3]?.slot).toBe(got[1]?.slot);
    for (const { socket } of got.slice(2)) socket.write(`${answered}0\r\n\r\n`);
    expect(await Promise.all([c.outcome, e.outcome])).toEqual(['answered', 'answered']);
  });

  it('L4 hold them in the middle of an answer too, however much of it still comes', async () => {
    const [a] = [ask('a'), ask('b')];
    await arrived(2);
    got[0]?.socket.write(answered);
    const c = ask('c');
    await a.heard;
    a.leave();
    expect(await a.outcome).toBe('broken off');
    await got[0]?.ended;
    for (let more = 0; more < 100; more += 1) got[0]?.socket.write(chunk);
    await settled();
    expect(names()).toEqual(['a', 'b']);
    got[0]?.socket.end();
    await arrived(3);
    expect(names()).toEqual(['a', 'b', 'c']);
    got[2]?.socket.write(`${answered}0\r\n\r\n`);
    expect(await c.outcome).toBe('answered');
  });

  it('L4 are let go after 10 s by a server that never notices, and no socket is left', async () => {
    const [a] = [ask('a'), ask('b')];
    await arrived(2);
    const c = ask('c');
    a.leave();
    await got[0]?.ended;
    clock.advance(9_999);
    await settled();
    expect(names()).toEqual(['a', 'b']);
    clock.advance(1);
    await arrived(3);
    got[2]?.socket.write(`${answered}0\r\n\r\n`);
    expect(await c.outcome).toBe('answered');
    // Whoever writes to a connection that is closed on both sides hears it.
    const left = got[0]?.socket;
    await expect.poll(() => left?.destroyed === true || (left?.write('x'), false)).toBe(true);
  });

  it('F1 fail, and those who wait, when the process is gone', async () => {
    const [a, b] = [ask('a'), ask('b')];
    await arrived(2);
    const c = ask('c');
    a.leave();
    await got[0]?.ended;
    wire.close();
    expect(await Promise.all([b.outcome, c.outcome])).toEqual(['upstream_failed', 'upstream_failed']);
    expect(wire.busy).toBe(0);
    expect(names()).toEqual(['a', 'b']);
  });
});
