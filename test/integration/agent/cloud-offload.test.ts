import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ranchHeaders } from '../../../electron/contract/routing.ts';
import { claude, CloudSite, gpt, localModel } from './cloud-site.ts';

let site: CloudSite;

beforeAll(async () => {
  site = await CloudSite.start();
});
afterAll(() => site[Symbol.asyncDispose]());

const plenty = [{ scope: 'all', period: 'day', unit: 'usd', limit: 1_000 }];

/** Where an answer came from, by its headers. */
interface Told {
  readonly status: number;
  readonly route: string | null;
  readonly upstream: string | null;
  readonly model: string | null;
  readonly reason: string | null;
  readonly retryAfter: string | null;
}

function toldBy(status: number, headers: Headers): Told {
  return {
    status,
    route: headers.get(ranchHeaders.route),
    upstream: headers.get(ranchHeaders.upstream),
    model: headers.get(ranchHeaders.model),
    reason: headers.get(ranchHeaders.reason),
    retryAfter: headers.get('retry-after'),
  };
}

const prompt = [{ role: 'user' as const, content: 'Hello.' }];

/** One answer by each client library, plain and streamed; errors are told as answers are. */
const ways: Readonly<Record<string, (model: string, headers?: Record<string, string>) => Promise<Told>>> = {
  'openai, plain': async (model, headers) => {
    const call = site
      .clients(headers)
      .openai.chat.completions.create({ model, messages: prompt, max_completion_tokens: 16 });
    return told(call.withResponse());
  },
  'openai, streamed': async (model, headers) => {
    const client = site.clients(headers).openai;
    const call = client.chat.completions.create({ model, messages: prompt, max_completion_tokens: 16, stream: true });
    return told(call.withResponse());
  },
  'openai, responses': async (model, headers) => {
    const call = site.clients(headers).openai.responses.create({ model, input: 'Hello.', max_output_tokens: 16 });
    return told(call.withResponse());
  },
  'anthropic, plain': async (model, headers) => {
    const call = site.clients(headers).anthropic.messages.create({ model, messages: prompt, max_tokens: 16 });
    return told(call.withResponse());
  },
  'anthropic, streamed': async (model, headers) => {
    const client = site.clients(headers).anthropic;
    const call = client.messages.create({ model, messages: prompt, max_tokens: 16, stream: true });
    return told(call.withResponse());
  },
};

async function told(call: Promise<{ readonly data: object; readonly response: Response }>): Promise<Told> {
  try {
    const { data, response } = await call;
    if (Symbol.asyncIterator in data)
      for await (const event of data as AsyncIterable<unknown>) expect(event).toBeDefined();
    return toldBy(response.status, response.headers);
  } catch (error) {
    if (!(error instanceof Anthropic.APIError) && !(error instanceof OpenAI.APIError)) throw error;
    const headers: unknown = error.headers;
    return toldBy(Number(error.status), headers instanceof Headers ? headers : new Headers());
  }
}

const asked = Object.entries(ways);
const high = { 'x-ranch-priority': 'high' };
const local = { status: 200, route: 'local', upstream: 'shed', model: localModel };
const atClaude = {
  status: 200,
  route: 'cloud',
  upstream: 'anthropic',
  model: 'claude-test',
  reason: 'cloud-requested',
};

describe('with offloading off', () => {
  beforeAll(async () => {
    await site.control.command('offload.set', { mode: 'off' });
  });

  it.each(asked)('no provider hears of anything: %s', async (_name, ask) => {
    const before = await site.paidRequests();
    for (const model of ['ranch/quality', 'ranch/auto', 'ranch/routine', 'ranch/code', localModel]) {
      expect(await ask(model)).toMatchObject(local);
    }
    expect(await ask('ranch/auto', high)).toMatchObject(local);
    for (const model of [claude, gpt]) {
      expect(await ask(model, high)).toMatchObject({ status: 403, route: 'none', reason: 'offload-off' });
    }
    expect(await site.paidRequests()).toBe(before);
    expect(before).toBe(0);
  });

  it('a purpose tells why it was answered here', async () => {
    for (const [, ask] of asked) expect(await ask('ranch/code')).toMatchObject({ ...local, reason: 'offload-off' });
  });

  it('says what to do to those who named a model of the cloud', async () => {
    const call = site.clients().openai.chat.completions.create({ model: claude, messages: prompt });
    await expect(call).rejects.toThrow(/offloading to the cloud is switched off\. Switch offloading on/);
  });
});

describe('with offloading auto', () => {
  beforeAll(async () => {
    await site.control.command('offload.set', { mode: 'auto' });
  });
  beforeEach(() => site.setCloud('budgets', plenty));

  it.each(asked)('quality goes to the cloud and routine stays: %s', async (_name, ask) => {
    const before = await site.anthropic.state();
    expect(await ask('ranch/quality')).toMatchObject(atClaude);
    expect(await ask('ranch/auto', high)).toMatchObject(atClaude);
    expect(await ask(claude)).toMatchObject(atClaude);
    expect((await site.anthropic.state()).started).toBe(before.started + 3);
    for (const model of ['ranch/auto', 'ranch/routine', 'ranch/local', localModel]) {
      expect(await ask(model)).toMatchObject(local);
    }
    expect(await ask('ranch/quality', { 'x-ranch-priority': 'low' })).toMatchObject(local);
    expect((await site.anthropic.state()).started).toBe(before.started + 3);
    expect(await ask('ranch/code')).toMatchObject({
      status: 200,
      route: 'cloud',
      upstream: 'openai',
      model: 'gpt-test',
    });
  });

  it.each(asked)('a ceiling always wins: %s', async (_name, ask) => {
    const before = await site.paidRequests();
    for (const ceiling of ['local', 'ranch']) {
      const headers = { 'x-ranch-ceiling': ceiling };
      expect(await ask('ranch/quality', headers)).toMatchObject(local);
      expect(await ask('ranch/code', headers)).toMatchObject({ ...local, reason: 'ceiling' });
      expect(await ask(claude, headers)).toMatchObject({ status: 403, route: 'none', reason: 'ceiling' });
    }
    expect(await site.paidRequests()).toBe(before);
  });

  it.each(asked)(
    'without money a model of the cloud is refused until there is some, and quality stays: %s',
    async (_name, ask) => {
      const before = await site.paidRequests();
      // Enough for some requests a day, and all of it spent.
      await site.anthropic.behave({ billing: 'most' });
      for (let times = 0; times < 4; times += 1) expect(await ask(claude)).toMatchObject(atClaude);
      await site.anthropic.behave({});
      const { cloud } = await site.control.snapshot();
      const limit = (cloud.today?.spentUsd ?? 0) + 0.001;
      await site.setCloud('budgets', [{ scope: 'all', period: 'day', unit: 'usd', limit }]);
      const refused = await ask(claude);
      expect(refused).toMatchObject({ status: 429, route: 'none', reason: 'no-budget' });
      // The day ends at midnight, which is some twelve hours away.
      expect(Number(refused.retryAfter)).toBeGreaterThan(10 * 3_600);
      expect(Number(refused.retryAfter)).toBeLessThanOrEqual(13 * 3_600);
      expect(await ask('ranch/quality')).toMatchObject(local);
      expect(await ask('ranch/code')).toMatchObject({ ...local, reason: 'no-budget' });
      expect(await site.paidRequests()).toBe(before + 4);
      await site.setCloud('budgets', plenty);
      expect(await ask(claude)).toMatchObject(atClaude);
    },
  );
});
