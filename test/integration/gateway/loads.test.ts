import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { GatewayRig } from '../../fixtures/gateway-rig.ts';
import { HoldingUpstream } from './holding-upstream.ts';
import { MatrixRig } from './matrix/rig.ts';

const messages = [{ role: 'user', content: 'Hello' }];

/** The ways in which an answer is streamed, and what each begins with. */
const ways = [
  ['as it comes', '/v1/chat/completions', { max_tokens: 1_000_000 }],
  ['translated to Anthropic', '/v1/messages', { max_tokens: 1_000_000 }],
  ['translated to Ollama', '/api/chat', {}],
] as const;

describe('loads', () => {
  it('L2 500 idle connections stand in nobody’s way', async () => {
    await using rig = await GatewayRig.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 500, maxFreeSockets: 500 });
    const get = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: rig.port, path: '/health', agent }, (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
        });
        sent.once('error', reject).end();
      });
    const statuses = await Promise.all(Array.from({ length: 500 }, get));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(Object.values(agent.freeSockets).flat().length).toBeGreaterThan(400);
    // How little time it takes is for `bench:limits`, and so is what L5 really holds.
    expect((await rig.chat()).status).toBe(200);
    agent.destroy();
  });

  it.each(ways)('L4 aborts at random moments leave nothing behind (%s)', async (_name, path, fields) => {
    await using rig = await GatewayRig.start({ description: { slots: 16 } });
    await rig.fake.behave({ tokens: 1_000_000, intervalMs: 1, firstMs: 2 });
    const { sockets: before } = await rig.fake.state();
    const aborts = Array.from({ length: 60 }, async (_, index) => {
      const controller = new AbortController();
      const body = { model: 'fake-model', stream: true, messages, ...fields };
      // Before it is sent, in the queue, before the first token, after a few of them.
      const pieces = index % 5;
      const answer = rig.post(path, body, {}, controller.signal);
      if (pieces === 0) setImmediate(() => controller.abort());
      try {
        const reader = (await answer).body?.getReader();
        for (let piece = 0; piece < pieces; piece += 1) await reader?.read();
      } catch {
        return;
      } finally {
        controller.abort();
      }
    });
    await Promise.all(aborts);
    expect((await rig.fake.idle()).active).toBe(0);
    while (rig.gateway.stats().inFlight + rig.gateway.stats().queued > 0) await new Promise((r) => setImmediate(r));
    await rig.fake.behave({});
    expect((await rig.chat()).status).toBe(200);
    await expect.poll(async () => (await rig.fake.state()).sockets).toBeLessThanOrEqual(before + 2);
  });

  it.each(ways)('L5 readers that stop reading hold little, and nobody else up (%s)', async (_name, path, fields) => {
    await using rig = await GatewayRig.start({ description: { slots: 64 } });
    await rig.fake.behave({ tokens: 1_000_000, intervalMs: 0, text: 'x'.repeat(2_000) });
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages, ...fields });
    const readers: Socket[] = [];
    const before = process.memoryUsage().rss;
    for (let reader = 0; reader < 20; reader += 1) {
      const socket = connect(rig.port, '127.0.0.1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${rig.port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      await once(socket, 'readable');
      readers.push(socket);
    }
    await rig.fake.behave({});
    for (let count = 0; count < 20; count += 1) expect((await rig.chat()).status).toBe(200);
    expect((process.memoryUsage().rss - before) / readers.length).toBeLessThan(8 * 1024 * 1024);
    for (const socket of readers) socket.destroy();
    expect((await rig.fake.idle()).active).toBe(0);
  });
});

describe('a caller that waits, in its own dialect', () => {
  it.each([
    ['/v1/messages', { max_tokens: 5 }, 'event: ping\n', 'text/event-stream', 'message_stop'],
    ['/api/chat', {}, '"done":false', 'application/x-ndjson', '"done":true'],
    ['/v1/responses', { input: 'Hello', messages: undefined }, ': waiting', 'text/event-stream', 'response.completed'],
  ])('F4 F13 %s is told every five seconds, also while the prompt is read', async (path, fields, piece, type, last) => {
    const clock = new ManualClock();
    const upstream = new HoldingUpstream({}, true);
    const gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 100 },
      { upstreams: () => [upstream], clock, logger: silentLogger },
    );
    const { url } = await gateway.listen();
    const asked = fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'llama-3.1-8b', stream: true, messages, ...fields }),
    });
    const held = await upstream.request();
    clock.advance(5_000);
    const response = await asked;
    expect(response.headers.get('content-type')).toBe(type);
    await held.head();
    held.write('data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n');
    // The head has come, and the prompt is still being read.
    clock.advance(5_000);
    held.write('data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n');
    held.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    held.end();
    const text = await response.text();
    expect(text.split(piece).length).toBeGreaterThanOrEqual(3);
    expect(text).toContain('Hello');
    expect(text).toContain(last);
    const closed = gateway.close();
    clock.advance(60_000);
    await closed;
  });
});

describe('B52 in other dialects', () => {
  it('a newline and "event:" inside a token stay one event, whoever speaks to whom', async () => {
    await using rig = await MatrixRig.start();
    const hostile = 'a\n\nevent: x\ndata: {"type":"message_stop"}\n\n{"done":true}\n';
    for (const answerer of ['openai', 'anthropic', 'ollama'] as const) {
      await rig.fakes[answerer].behave({ tokens: 1, text: hostile });
      for (const [path, fields] of [
        ['/v1/chat/completions', {}],
        ['/v1/messages', { max_tokens: 9 }],
        ['/api/chat', {}],
      ] as const) {
        const body = { model: `${answerer}-model`, stream: true, messages, ...fields };
        const answer = await fetch(rig.url + path, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        });
        const lines = (await answer.text()).split('\n');
        expect(lines.filter((line) => line === 'event: x')).toEqual([]);
        expect(lines.filter((line) => line === '{"done":true}')).toEqual([]);
        expect(lines.filter((line) => line.includes(JSON.stringify(hostile).slice(1, -1))).length).toBeGreaterThan(0);
      }
    }
  });
});
