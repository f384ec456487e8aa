import { afterEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../../electron/contract/trace.ts';
import { Announcer } from '../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { AppError, type ErrorCode, type ErrorContext } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { HoldingUpstream, type HeldRequest } from './holding-upstream.ts';

const messages = [{ role: 'user', content: 'Hello' }];
const bodies = {
  '/v1/chat/completions': { messages },
  '/v1/messages': { messages, max_tokens: 20 },
  '/api/chat': { messages },
};
type Path = keyof typeof bodies;
const paths = Object.keys(bodies) as Path[];
const whole = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 },
});

/** A gateway before one peer that says what the test lets it say, by the test's own time. */
class Site implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly peer = new HoldingUpstream({ id: 'attic', route: 'peer', slots: 8 }, true);
  readonly traces: Trace[] = [];
  readonly gateway: Gateway;
  url = '';

  constructor() {
    const traced = new Announcer<Trace>();
    traced.subscribe((trace) => this.traces.push(trace));
    this.gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 1_000 },
      { upstreams: () => [this.peer], traced, clock: this.clock, logger: silentLogger },
    );
  }

  async listen(): Promise<this> {
    this.url = (await this.gateway.listen()).url;
    return this;
  }

  post(path: string, body: object): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'llama-3.1-8b', stream: false, ...body }),
    });
  }

  ask(path: Path = '/v1/chat/completions', stream = false): Promise<Response> {
    return this.post(path, { ...bodies[path], stream });
  }

  /** Sends a request that the peer refuses so. */
  async refusedWith(code: ErrorCode, context: ErrorContext): Promise<void> {
    const asked = this.ask();
    (await this.peer.request(this.peer.held.length)).refuse(new AppError(code, 'It said no.', { context }));
    await (await asked).text();
    await this.#settled();
  }

  /** Waits for the trace of a request that was answered already. */
  async #settled(): Promise<void> {
    while (this.gateway.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async traceOf(response: Response): Promise<Trace> {
    const id = response.headers.get('x-ranch-trace');
    for (;;) {
      const found = this.traces.find(({ trace }) => trace === id);
      if (found) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.gateway.close();
    this.clock.advance(60_000);
    await closed;
  }
}

async function answer(held: HeldRequest): Promise<void> {
  await held.head('application/json', { kind: 'length', lengthBytes: Buffer.byteLength(whole) });
  held.write(whole, false);
  held.end(false);
}

let site: Site;

afterEach(() => site[Symbol.asyncDispose]());

interface Cause {
  readonly name: string;
  readonly refusal: readonly [ErrorCode, ErrorContext];
  readonly times: number;
  readonly retryAfter: string | null;
  readonly reason: string;
  /** What the caller is told, and what stands against the peer in the trace. */
  readonly told: RegExp;
  readonly against: RegExp;
  /** `error.code` in OpenAI's dialect and `error.type` in Anthropic's. */
  readonly types: readonly [string, string];
}

const causes: readonly Cause[] = [
  {
    name: 'busy for 240 s',
    refusal: ['too_busy', { status: 429, retryAfterS: 240 }],
    times: 1,
    retryAfter: '238',
    reason: 'too-busy',
    told: /attic .*has no room.*Try again in 238 s\.$/,
    against: /^It has no room and asked to be left alone for another 4 min\.$/,
    types: ['too_busy', 'overloaded_error'],
  },
  {
    name: 'key refused',
    refusal: ['engine_failed', { status: 401 }],
    times: 1,
    retryAfter: null,
    reason: 'local-not-ready',
    told: /attic .*refused the key that this node sent.*operator/,
    against: /^It refused the key that this node sent, and is not asked again until it gets a valid one\.$/,
    types: ['engine_not_ready', 'overloaded_error'],
  },
  {
    name: 'account empty until a date',
    refusal: ['upstream_failed', { status: 402, outOfMoney: true, retryAfterS: 7_200 }],
    times: 1,
    retryAfter: '7198',
    reason: 'local-not-ready',
    told: /attic .*account.*used up.*2026-01-01 02:00 UTC.*operator/,
    against: /^Its account is used up\. It is asked again at 2026-01-01 02:00 UTC\.$/,
    types: ['engine_not_ready', 'overloaded_error'],
  },
  {
    name: 'account empty, nobody knows until when',
    refusal: ['upstream_failed', { status: 402, outOfMoney: true }],
    times: 1,
    retryAfter: '3598',
    reason: 'local-not-ready',
    told: /attic .*account.*used up.*2026-01-01 01:00 UTC.*operator/,
    against: /^Its account is used up\. It is asked again at 2026-01-01 01:00 UTC\.$/,
    types: ['engine_not_ready', 'overloaded_error'],
  },
  {
    name: 'broken five times',
    refusal: ['upstream_failed', {}],
    times: 5,
    retryAfter: '3',
    reason: 'local-not-ready',
    told: /attic .*failed several times in a row.*Try again in 3 s\.$/,
    against: /^It failed several times in a row and is left alone for another 3\.0 s\.$/,
    types: ['engine_not_ready', 'overloaded_error'],
  },
];

describe('an upstream that is left out', () => {
  describe.each(causes)('$name', ({ refusal, times, retryAfter, reason, told, against, types }) => {
    it.each(paths.flatMap((path) => [false, true].map((stream) => ({ path, stream }))))(
      'F30 $path, stream $stream: status, sentence, Retry-After and trace fit the cause',
      async ({ path, stream }) => {
        site = await new Site().listen();
        for (let time = 0; time < times; time += 1) await site.refusedWith(...refusal);
        site.clock.advance(2_000);
        const response = await site.ask(path, stream);
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).toBe(retryAfter);
        expect(response.headers.get('x-ranch-reason')).toBe(reason);
        const body = (await response.json()) as { error: { message: string } | string };
        const message = typeof body.error === 'string' ? body.error : body.error.message;
        expect(message).toMatch(told);
        if (path === '/v1/chat/completions') expect(body).toMatchObject({ error: { code: types[0] } });
        if (path === '/v1/messages') expect(body).toMatchObject({ type: 'error', error: { type: types[1] } });
        const trace = await site.traceOf(response);
        expect(trace).toMatchObject({
          state: 'failed',
          reason,
          retryAfterS: retryAfter === null ? null : Number(retryAfter),
          candidates: [{ upstream: 'attic', verdict: 'rejected', reason: 'breaker-open' }],
          attempts: [],
        });
        expect(trace.candidates[0]?.sentence).toMatch(against);
        expect(site.peer.held).toHaveLength(times);
      },
    );
  });

  it('F30 one that was busy gets all its requests again after the time it told, however long the first takes', async () => {
    site = await new Site().listen();
    await site.refusedWith('too_busy', { status: 429, retryAfterS: 1 });
    site.clock.advance(1_000);
    expect(site.gateway.stats().breakers).toEqual([]);
    const asked = [site.ask(), site.ask('/v1/messages'), site.ask('/api/chat')];
    for (let number = 1; number <= 3; number += 1) await site.peer.request(number);
    for (const held of site.peer.held.slice(1)) await answer(held);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('F30 tells the others that one finds out while a broken one is on trial', async () => {
    site = await new Site().listen();
    for (let time = 0; time < 5; time += 1) await site.refusedWith('upstream_failed', {});
    site.clock.advance(5_000);
    const trial = site.ask();
    const held = await site.peer.request(5);
    const other = await site.ask();
    expect(other.status).toBe(503);
    expect(Number(other.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await other.text()).toMatch(/failed several times in a row.*another request is finding out/);
    await answer(held);
    expect((await trial).status).toBe(200);
  });

  it('F30 counts the tokens of a prompt for one that is busy all the same', async () => {
    site = await new Site().listen();
    await site.refusedWith('too_busy', { status: 429, retryAfterS: 30 });
    const counted = await site.post('/v1/messages/count_tokens', { messages });
    expect(counted.status).toBe(200);
    expect(Object.keys((await counted.json()) as object)).toEqual(['input_tokens']);
  });
});
