import { afterEach, describe, expect, it } from 'vitest';
import { Announcer } from '../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { Allowances } from '../../../electron/agent/gateway/access/caller.ts';
import { noLimits } from '../../../electron/agent/gateway/access/gateway-access.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { Trace } from '../../../electron/contract/trace.ts';
import type { NameSettings } from '../../../electron/agent/gateway/names/resolve-name.ts';
import { HoldingUpstream, type HeldRequest } from './holding-upstream.ts';

const words = 'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n';

/** An upstream that can count, as some engines can. */
class CountingUpstream extends HoldingUpstream {
  tokens: number | null = null;
  counted = 0;

  countTokens(): Promise<number | null> {
    this.counted += 1;
    return Promise.resolve(this.tokens);
  }
}

let close: (() => Promise<void>) | null = null;
afterEach(() => close?.());

async function site(upstreams: readonly HoldingUpstream[], names: NameSettings = {}) {
  const clock = new ManualClock();
  const traced = new Announcer<Trace>();
  const traces: Trace[] = [];
  traced.subscribe((trace) => traces.push(trace));
  const settled: (number | null)[] = [];
  const allowances: Allowances = { take: () => ({ settle: (tokens) => settled.push(tokens) }) };
  const gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 1_000, policy: { names } },
    {
      upstreams: () => upstreams,
      allowances,
      access: {
        keysTotal: 1,
        callers: () => [],
        identify: () => ({
          kind: 'key',
          id: 'k',
          keyName: 'k',
          scope: 'inference',
          policy: noLimits,
          from: '127.0.0.1',
        }),
      },
      traced,
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
  const chat = (fields: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        model: 'llama-3.1-8b',
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
        ...fields,
      }),
      ...(signal ? { signal } : {}),
    });
  const ended = async (count: number): Promise<void> => {
    while (traces.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const load = async (inFlight: number, queued: number): Promise<void> => {
    const stats = () => gateway.stats();
    while (stats().inFlight !== inFlight || stats().queued !== queued) await new Promise((go) => setImmediate(go));
  };
  return { clock, traces, settled, gateway, chat, ended, load };
}

async function finish(held: HeldRequest): Promise<void> {
  await held.head();
  held.write(words);
  held.write('data: [DONE]\n\n');
  held.end();
}

describe('what a request is planned by', () => {
  it('B41 another model than the default is asked for as if it had been named: nothing stands in for it', async () => {
    const upstream = new HoldingUpstream({}, true);
    const [model] = upstream.description.models;
    if (!model) throw new Error('no model');
    const able = { ...model, id: 'cow', capabilities: ['chat', 'tools'] as const };
    upstream.description = { ...upstream.description, models: [model, able] };
    const { chat } = await site([upstream]);
    const tools = [{ type: 'function', function: { name: 'milk', parameters: { type: 'object' } } }];
    const plain = chat({ model: 'ranch/auto' });
    const first = await upstream.request();
    expect([first.request.model, first.request.byDefault]).toEqual(['llama-3.1-8b', true]);
    await finish(first);
    await (await plain).text();
    const tooled = chat({ model: 'ranch/auto', tools });
    const second = await upstream.request(1);
    expect([second.request.model, second.request.byDefault]).toEqual(['cow', false]);
    await finish(second);
    await (await tooled).text();
  });

  it.each([
    ['before', 'Be Bob.\n\nYou are an agent.', ['attributionLine']],
    ['replace', 'Be Bob.', []],
  ] as const)('is evened out for engines here under a persona (%s), too', async (systemMode, system, rules) => {
    const names = { bob: { model: 'llama-3.1-8b', system: 'Be Bob.', systemMode } };
    const local = new HoldingUpstream({}, true);
    const { chat, traces, ended } = await site([local], names);
    const sent = 'x-anthropic-billing-header: cc_version=2.1.0; cch=1f3a9;\nYou are an agent.';
    const messages = [
      { role: 'system', content: sent },
      { role: 'user', content: 'Hi' },
    ];
    const answer = chat({ model: 'bob', messages });
    const held = await local.request();
    expect(JSON.parse(held.request.body.toString())).toMatchObject({ messages: [{ content: system }, messages[1]] });
    await finish(held);
    await (await answer).text();
    await ended(1);
    expect(traces[0]?.promptRules).toEqual(rules);
  });

  it('goes to others as it was sent, behind the persona’s words', async () => {
    const names = { bob: { model: 'llama-3.1-8b', system: 'Be Bob.', systemMode: 'before' } } as const;
    const peer = new HoldingUpstream({ route: 'peer' }, true);
    const { chat, gateway } = await site([peer], names);
    const line = 'x-anthropic-billing-header: cc_version=2.1.0; cch=1f3a9;';
    const answer = chat({ model: 'bob', messages: [{ role: 'system', content: line }] });
    const held = await peer.request();
    expect(JSON.parse(held.request.body.toString())).toMatchObject({ messages: [{ content: `Be Bob.\n\n${line}` }] });
    expect(gateway.stats()).toMatchObject({ inFlight: 1, inFlightHere: 0 });
    await finish(held);
    await (await answer).text();
  });

  it('after waiting is its own wait, and not that of the next one', async () => {
    const upstream = new HoldingUpstream({ slots: 1 }, true);
    const { clock, chat, traces, ended, load, gateway } = await site([upstream]);
    const answers = [chat()];
    const first = await upstream.request();
    answers.push(chat());
    await load(1, 1);
    expect(gateway.stats().inFlightHere).toBe(1);
    clock.advance(3_000);
    await finish(first);
    const second = await upstream.request(1);
    await finish(second);
    await Promise.all(answers.map(async (answer) => (await answer).text()));
    await ended(2);
    expect(traces[1]).toMatchObject({ queuedMs: 3_000, reason: 'local-queue' });
    expect(traces[1]?.candidates[0]?.estimate?.waitMs).toBe(3_000);
  });

  it('B49 near the limit is the tokenizer’s own count, and far beyond it nobody is asked', async () => {
    const upstream = new CountingUpstream({}, true);
    const { chat } = await site([upstream]);
    const messages = [{ role: 'user', content: 'x'.repeat(3.6 * 5_000) }];
    upstream.tokens = 4_000;
    for (const model of ['llama-3.1-8b', 'ranch/auto']) {
      const answer = chat({ model, messages });
      await finish(await upstream.request(upstream.counted));
      expect((await answer).status).toBe(200);
    }
    expect(upstream.counted).toBe(2);
    upstream.tokens = 4_090;
    const refused = await chat({ messages });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('about 4,090 tokens');
    upstream.counted = 0;
    expect((await chat({ messages: [{ role: 'user', content: 'x'.repeat(3.6 * 9_000) }] })).status).toBe(400);
    expect(upstream.counted).toBe(0);
  });

  it('counts what was answered against the key, also where no usage is told or the caller leaves', async () => {
    const upstream = new HoldingUpstream({}, true);
    const { chat, settled, ended } = await site([upstream]);
    const whole = chat();
    const held = await upstream.request();
    await held.head();
    for (let piece = 0; piece < 20; piece += 1) held.write(words);
    held.write('data: [DONE]\n\n');
    held.end();
    await (await whole).text();
    await ended(1);
    expect(settled).toEqual([33]);
    const controller = new AbortController();
    const leaving = chat({}, controller.signal);
    const longer = await upstream.request(1);
    await longer.head();
    for (let piece = 0; piece < 50; piece += 1) longer.write(words);
    await leaving;
    controller.abort();
    await new Promise<void>((resolve) => longer.signal.addEventListener('abort', () => resolve()));
    longer.fail(new AppError('caller_gone', 'The caller left.'));
    await ended(2);
    expect(settled).toEqual([33, 63]);
  });

  it('a stream that breaks off counts as a failure of this node', async () => {
    const upstream = new HoldingUpstream({}, true);
    const { chat, gateway, ended } = await site([upstream]);
    const answer = chat();
    const held = await upstream.request();
    await held.head();
    held.write(words);
    held.fail(new AppError('engine_failed', 'It fell.'));
    await (await answer).text();
    await ended(1);
    expect(gateway.stats().failuresTotal).toBe(1);
  });
});
