import { afterEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../../electron/contract/trace.ts';
import { Announcer } from '../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { UpstreamDescription } from '../../../electron/agent/inference/upstream.ts';
import { RecordingSpending } from '../../unit/gateway/dispatch/recording-spending.ts';
import { HoldingUpstream } from './holding-upstream.ts';

const token = 'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n';
const usage =
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":1}}\n\n';
const done = 'data: [DONE]\n\n';
const price = { inputUsd: 1, outputUsd: 10, cachedInputUsd: null };

class Site implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly ledger = new RecordingSpending(price);
  readonly traces: Trace[] = [];
  readonly gateway: Gateway;
  url = '';

  constructor(upstreams: readonly HoldingUpstream[]) {
    const traced = new Announcer<Trace>();
    traced.subscribe((trace) => this.traces.push(trace));
    this.gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', hopId: 'node-id', drainMs: 1_000 },
      { upstreams: () => upstreams, traced, spending: this.ledger, clock: this.clock, logger: silentLogger },
    );
  }

  async listen(): Promise<this> {
    this.url = (await this.gateway.listen()).url;
    return this;
  }

  chat(headers: Record<string, string> = {}, fields: object = {}): Promise<Response> {
    const messages = [{ role: 'user', content: 'Hello' }];
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'llama-3.1-8b', stream: true, messages, ...fields }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.gateway.close();
    this.clock.advance(60_000);
    await closed;
  }
}

let site: Site;

afterEach(() => site[Symbol.asyncDispose]());

function upstream(id: string, change: Partial<UpstreamDescription> = {}): HoldingUpstream {
  return new HoldingUpstream({ id, ...change }, true);
}

function cloud(id: string): HoldingUpstream {
  const held = upstream(id, { route: 'cloud' });
  held.description = {
    ...held.description,
    models: held.description.models.map((model) => ({ ...model, price })),
  };
  return held;
}

async function answer(held: Awaited<ReturnType<HoldingUpstream['request']>>): Promise<void> {
  await held.head();
  for (const piece of [token, usage, done]) held.write(piece);
  held.end();
}

const dead = (): AppError => new AppError('upstream_failed', 'The peer is gone.', { context: { connected: false } });

describe('an upstream that fails', () => {
  it('F25 before its answer: the next one is asked, once, and says so', async () => {
    const [first, second] = [upstream('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat();
    (await first.request()).refuse(dead());
    await answer(await second.request());
    const response = await asked;
    expect(response.headers.get('x-ranch-upstream')).toBe('b');
    expect(response.headers.get('x-ranch-reason')).toBe('fallback');
    expect(await response.text()).toBe(token + usage + done);
    expect([first.held.length, second.held.length]).toEqual([1, 1]);
    await settled();
    expect(site.traces).toMatchObject([
      {
        attempts: [
          { upstream: 'a', outcome: 'failed', error: 'upstream_failed' },
          { upstream: 'b', outcome: 'answered', error: null },
        ],
        state: 'done',
        reason: 'fallback',
      },
    ]);
  });

  it('F25 after its head, before the first byte of the answer: the next one is asked', async () => {
    const [first, second] = [upstream('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat();
    const held = await first.request();
    await held.head();
    held.fail(dead());
    await answer(await second.request());
    expect(await (await asked).text()).toBe(token + usage + done);
  });

  it('F25 after the first byte: nobody else is asked', async () => {
    const [first, second] = [upstream('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat();
    const held = await first.request();
    await held.head();
    held.write(token);
    const response = await asked;
    held.fail(dead());
    expect(await response.text()).toContain('upstream_failed');
    await settled();
    expect(second.held).toHaveLength(0);
    expect(site.traces).toMatchObject([
      { attempts: [{ upstream: 'a', outcome: 'failed' }], state: 'failed', status: 200 },
    ]);
  });

  it('F25 after the first byte: an error, nobody else is asked, and it is billed once', async () => {
    const [first, second] = [cloud('a'), cloud('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat({}, { model: 'a/llama-3.1-8b' });
    const held = await first.request();
    await held.head();
    held.write(token);
    const response = await asked;
    held.fail(dead());
    const text = await response.text();
    expect(text).toContain('upstream_failed');
    expect(text).not.toContain('[DONE]');
    expect(second.held).toHaveLength(0);
    await settled();
    // No usage was told: the prompt as it was reckoned, and the one token that came.
    expect(site.ledger.log).toEqual(['reserve a', expect.stringMatching(/^estimate \d+$/)]);
  });

  it('money that was set aside is given back when nothing was done, and settled where the answer came from', async () => {
    const [first, second] = [cloud('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat({ 'X-Ranch-Priority': 'high' }, { model: 'ranch/quality' });
    (await first.request()).refuse(dead());
    await answer(await second.request());
    await (await asked).text();
    await settled();
    expect(site.ledger.log).toEqual(['reserve a', 'release']);
    const again = site.chat({ 'X-Ranch-Priority': 'high' }, { model: 'ranch/quality' });
    await answer(await first.request(1));
    await (await again).text();
    await settled();
    expect(site.ledger.log.slice(2)).toEqual(['reserve a', 'settle 20']);
  });

  it('F25 what no other can mend is not tried again', async () => {
    const [first, second] = [upstream('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const asked = site.chat();
    (await first.request()).refuse(new AppError('context_length_exceeded', 'Too long.'));
    expect((await asked).status).toBe(400);
    expect(second.held).toHaveLength(0);
  });

  it('F25 a request is tried three times at most', async () => {
    const four = ['a', 'b', 'c', 'd'].map((id) => upstream(id));
    site = await new Site(four).listen();
    const asked = site.chat();
    for (const each of four.slice(0, 3)) (await each.request()).refuse(dead());
    expect((await asked).status).toBe(502);
    expect(four.map(({ held }) => held.length)).toEqual([1, 1, 1, 0]);
  });

  it('F30 is left alone after five failures in a row, and tried again after a pause', async () => {
    const [first, second] = [upstream('a'), upstream('b')];
    site = await new Site([first, second]).listen();
    const ask = async (number: number, failing: boolean): Promise<void> => {
      const before = second.held.length;
      const asked = site.chat();
      if (failing) (await first.request(number)).refuse(dead());
      await answer(await second.request(before));
      await (await asked).text();
    };
    // The chat stays where it was answered, so the one that fails is asked in another one each time.
    second.description = { ...second.description, slots: 1 };
    for (let number = 0; number < 5; number += 1) {
      second.description = { ...second.description, ready: false };
      const asked = site.chat();
      (await first.request(number)).refuse(dead());
      expect((await asked).status).toBe(502);
    }
    second.description = { ...second.description, ready: true };
    expect(site.gateway.stats().breakers).toMatchObject([{ upstream: 'a', state: 'open', cause: 'failing' }]);
    await ask(5, false);
    expect(first.held).toHaveLength(5);
    second.description = { ...second.description, ready: false };
    const refused = await site.chat();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    site.clock.advance(5_000);
    const asked = site.chat();
    await answer(await first.request(5));
    expect((await asked).status).toBe(200);
    await settled();
    expect(site.gateway.stats().breakers).toEqual([]);
  });
});

describe('a request that comes from another node', () => {
  it('F27 is refused when it has been here, and executed nowhere', async () => {
    const held = upstream('a');
    site = await new Site([held]).listen();
    const response = await site.chat({ 'X-Ranch-Hops': 'other, node-id' });
    expect(response.status).toBe(508);
    expect(response.headers.get('x-ranch-reason')).toBe('loop');
    expect(await response.json()).toMatchObject({ error: { code: 'loop_detected' } });
    expect(held.held).toHaveLength(0);
  });

  it('F27 is answered here, and never passed on to a peer or a provider', async () => {
    const [peer, provider] = [upstream('peer', { route: 'peer' }), cloud('provider')];
    site = await new Site([peer, provider]).listen();
    const refused = await site.chat({ 'X-Ranch-Hops': 'other' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(site.traces[0]?.candidates.map(({ verdict }) => verdict)).toEqual(['rejected', 'rejected']);
    expect([peer.held.length, provider.held.length]).toEqual([0, 0]);
  });

  it('F27 A to B to A: what goes to a peer tells where it has been', async () => {
    const peer = upstream('peer', { route: 'peer' });
    site = await new Site([peer]).listen();
    const asked = site.chat();
    const held = await peer.request();
    expect(held.request.hops).toEqual(['node-id']);
    await answer(held);
    expect((await asked).headers.get('x-ranch-route')).toBe('peer');
  });
});

/** Lets what follows an answer happen. */
async function settled(): Promise<void> {
  while (site.gateway.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
