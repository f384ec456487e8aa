import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { withoutProgress } from '../../../electron/agent/engines/process-engine/prompt-progress.ts';
import { HttpUpstream } from '../../../electron/agent/inference/wire/http-upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { never } from './llama-server-rig.ts';

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const event = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`;
const progress = (processed: number): string =>
  event({ choices: [{ delta: { content: null } }], prompt_progress: { total: 900, processed } });
const token = (content: string): string => event({ choices: [{ delta: { content } }] });
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const done = 'data: [DONE]\n\n';

const server = createServer();
let pieces: readonly string[] = [];
let open: Socket | null = null;
let upstream: HttpUpstream;

server.on('connection', (socket) => {
  open = socket;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', () => {
    void (async () => {
      for (const piece of pieces) {
        await new Promise((resolve) => socket.write(piece, 'latin1', resolve));
        for (let turns = 0; turns < 3; turns += 1) await turn();
      }
    })();
  });
});

beforeEach(async () => {
  open = null;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  upstream = new HttpUpstream({ host: '127.0.0.1', port, name: 'The engine' }, { clock: systemClock });
});

afterEach(async () => {
  upstream.close();
  server.close();
  await once(server, 'close');
});

async function ask(signal = never()): Promise<WireResponse> {
  return withoutProgress(
    await upstream.send({ method: 'POST', path: '/x', headers: {}, body: Buffer.from('{}') }, signal),
  );
}

function heard({ body }: WireResponse): Promise<{ raw: string; payload: string; over: string }> {
  return new Promise((resolve) => {
    let raw = '';
    let payload = '';
    body.pipe({
      raw: (bytes) => {
        raw += bytes.toString('latin1');
        return true;
      },
      payload: (bytes, start, end) => (payload += bytes.toString('latin1', start, end)),
      end: () => resolve({ raw, payload, over: 'end' }),
      fail: (error, intact) => resolve({ raw, payload, over: `${error.code} ${intact ? 'intact' : 'broken'}` }),
    });
  });
}

const answer = [token('a'), token('b'), done];
const whole = answer.map(chunk).join('') + '0\r\n\r\n';
const reports = [progress(0), progress(256), progress(900)].map(chunk).join('');

describe('what llama-server tells of its prompt', () => {
  it('is left out, wherever the reads are cut', async () => {
    const all = reports + whole;
    for (let cut = 0; cut <= all.length; cut += 1) {
      pieces = [head, all.slice(0, cut), all.slice(cut)].filter((piece) => piece !== '');
      expect({ cut, ...(await heard(await ask())) }).toEqual({
        cut,
        raw: whole,
        payload: answer.join(''),
        over: 'end',
      });
    }
  }, 60_000);

  it.each([
    ['an answer that tells nothing of it', whole],
    ['events that share a chunk with others', chunk(progress(1) + token('a')) + chunk(done) + '0\r\n\r\n'],
    ['an event over two chunks', chunk('data: {"prompt_') + chunk('progress":{}}\n\n') + '0\r\n\r\n'],
    ['a later report', chunk(token('a')) + chunk(progress(1)) + '0\r\n\r\n'],
  ])('leaves %s as they are', async (_name, body) => {
    pieces = [head + body];
    expect((await heard(await ask())).raw).toBe(body);
  });

  it('is left out of nothing but streams of events', async () => {
    const text = progress(1);
    pieces = [`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`];
    expect((await heard(await ask())).payload).toBe(text);
  });

  it('F3 an answer that breaks off before its first event has not begun', async () => {
    pieces = [head + chunk(progress(0))];
    const asked = ask();
    while (open === null || open.bytesWritten === 0) await turn();
    open.destroy();
    await expect(asked).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it('L4 a caller who leaves meanwhile is told apart, and the connection is closed', async () => {
    pieces = [head + chunk(progress(0))];
    const gone = new AbortController();
    const asked = ask(gone.signal);
    const closed = Promise.withResolvers<undefined>();
    server.once('connection', (socket) => {
      socket.once('close', () => closed.resolve(undefined));
      socket.once('data', () => setImmediate(() => gone.abort()));
    });
    await expect(asked).rejects.toMatchObject({ code: 'caller_gone' });
    await closed.promise;
  });

  it('ends an answer that had nothing else', async () => {
    pieces = [`${head}${chunk(progress(0))}0\r\n\r\n`];
    expect(await heard(await ask())).toEqual({ raw: '0\r\n\r\n', payload: '', over: 'end' });
  });
});
