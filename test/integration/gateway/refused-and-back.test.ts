import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { AppError, type ErrorContext } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { noLimits } from '../../../electron/agent/gateway/access/gateway-access.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { SpeechUpstream } from '../../../electron/agent/inference/speech.ts';
import type { Spending } from '../../../electron/agent/inference/spending.ts';
import { HoldingUpstream } from './holding-upstream.ts';

const messages = [{ role: 'user', content: 'Hello' }];
const chats = [
  ['/v1/chat/completions', { messages }],
  ['/v1/messages', { messages, max_tokens: 20 }],
  ['/api/chat', { messages, stream: false }],
] as const;

/** Something that would speak, after so many seconds. */
function silent(clock: ManualClock, forS: number): SpeechUpstream {
  return {
    defaults: () => ({ model: 'voices/voice', voice: 'alloy', format: 'mp3' }),
    offer: () => Promise.resolve({ kind: 'unready', sentence: 'It rests.', retryAtMs: clock.now() + forS * 1_000 }),
    speak: () => Promise.reject(new Error('nothing is spoken here')),
  };
}

const allowed: Spending = {
  offload: () => 'auto',
  judge: () => ({ allowed: true }),
  reserve: () => Promise.reject(new Error('nothing is bought here')),
};

let close: (() => Promise<void>) | null = null;
afterEach(() => close?.());

/** A node whose one key may send two requests a minute, before a peer that the test lets refuse. */
async function site() {
  const clock = new ManualClock();
  const peer = new HoldingUpstream({ id: 'attic', route: 'peer' }, true);
  const policy = { ...noLimits, requestsPerMinute: 2 };
  const caller = { kind: 'key', id: 'k', keyName: 'k', scope: 'inference', policy, from: '127.0.0.1' } as const;
  const gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 1_000 },
    {
      upstreams: () => [peer],
      access: { keysTotal: 1, callers: () => [], identify: () => caller },
      speech: silent(clock, 7),
      spending: allowed,
      clock,
      logger: silentLogger,
    },
  );
  const { url } = await gateway.listen();
  close = async () => {
    const closed = gateway.close();
    clock.advance(60_000);
    await closed;
  };
  const post = (path: string, body: object): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'llama-3.1-8b', ...body }),
    });
  /** Seconds to come back after, as its caller is told. */
  const toldBy = async (response: Response): Promise<number> => {
    await response.text();
    // What is settled after the answer has left is settled before the next request is read.
    while (gateway.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    return Number(response.headers.get('retry-after'));
  };
  /** Sends a request that the peer refuses. */
  const refused = async (path: string, body: object, context: ErrorContext): Promise<Response> => {
    const asked = post(path, body);
    const held = await Promise.race([peer.request(peer.held.length), asked]);
    // It was not let through to the peer at all.
    if (held instanceof Response) return held;
    held.refuse(new AppError('too_busy', 'No room.', { context }));
    return asked;
  };
  return { clock, peer, post, refused, toldBy };
}

describe('a key with two requests a minute', () => {
  it.each(chats)(
    '%s: one that comes back as it was told is served, however often it was refused',
    async (path, body) => {
      const { clock, peer, post, refused, toldBy } = await site();
      for (let time = 0; time < 6; time += 1) {
        const response = await refused(path, body, { status: 429, retryAfterS: 5 });
        expect(response.status).toBe(503);
        expect(await toldBy(response)).toBe(5);
        clock.advance(5_000);
      }
      const served = post(path, body);
      (await peer.request(6)).refuse(new AppError('invalid_request', 'It got through.'));
      expect((await served).status).toBe(400);
    },
  );

  it.each(chats)(
    '%s: one that is told to come back in a moment, as while an engine loads, as well',
    async (path, body) => {
      const { clock, refused, toldBy } = await site();
      for (let time = 0; time < 6; time += 1) {
        const response = await refused(path, body, { status: 503 });
        expect(response.status).toBe(503);
        expect(await toldBy(response)).toBe(1);
        clock.advance(1_000);
      }
    },
  );

  it('one that does not wait uses up its minute, and is told when there is room', async () => {
    const { clock, peer, post, refused, toldBy } = await site();
    const [path, body] = chats[0];
    expect(await toldBy(await refused(path, body, { status: 429, retryAfterS: 5 }))).toBe(5);
    expect(await toldBy(await post(path, body))).toBe(5);
    const third = await post(path, body);
    expect(third.status).toBe(429);
    expect(await toldBy(third)).toBe(5);
    expect(peer.held).toHaveLength(1);
    clock.advance(5_000);
    const served = post(path, body);
    (await peer.request(1)).refuse(new AppError('invalid_request', 'It got through.'));
    expect((await served).status).toBe(400);
  });

  it('what is wrong with a request counts as one all the same', async () => {
    const { post } = await site();
    const [path, body] = chats[0];
    for (const status of [404, 404, 429]) expect((await post(path, { ...body, model: 'nobody' })).status).toBe(status);
  });

  it('speech: one that comes back as it was told finds room', async () => {
    const { clock, post, toldBy } = await site();
    for (let time = 0; time < 6; time += 1) {
      const response = await post('/v1/audio/speech', { model: 'voices/voice', input: 'Hello', voice: 'alloy' });
      expect([response.status, await toldBy(response)]).toEqual([503, 7]);
      clock.advance(7_000);
    }
  });
});
