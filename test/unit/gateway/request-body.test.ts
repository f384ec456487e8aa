import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { readBody } from '../../../electron/agent/gateway/request-body.ts';

const limits = { maxBodyBytes: 1_000, bodySilenceMs: 10_000, bodyMs: 60_000 };

describe('a body that comes slowly', () => {
  it('is given up after a silence', async () => {
    const clock = new ManualClock();
    const body = readBody(new IncomingMessage(new Socket()), limits, clock);
    clock.advance(limits.bodySilenceMs + 1_000);
    await expect(body).rejects.toMatchObject({ code: 'request_timeout' });
    expect(clock.waiting).toBe(0);
  });

  it('is not given up for what came while this process stood still', async () => {
    const clock = new ManualClock();
    const request = new IncomingMessage(new Socket());
    const body = readBody(request, limits, clock);
    // The timer is overdue, and looked at before the socket is read.
    clock.advance(limits.bodySilenceMs);
    const read = once(request, 'data');
    request.push('late');
    await read;
    clock.advance(limits.bodySilenceMs - 1);
    request.push(null);
    expect(String(await body)).toBe('late');
    expect(clock.waiting).toBe(0);
  });

  it('is given up when it takes too long as a whole', async () => {
    const clock = new ManualClock();
    const request = new IncomingMessage(new Socket());
    const body = readBody(request, limits, clock);
    const refused = expect(body).rejects.toMatchObject({ code: 'request_timeout' });
    for (let atMs = 0; atMs <= limits.bodyMs; atMs += 5_000) {
      const read = once(request, 'data');
      request.push('.');
      await read;
      clock.advance(5_000);
    }
    await refused;
  });
});
