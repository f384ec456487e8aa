import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../../electron/agent/gateway/gateway.ts';
import { FakeOpenAiProvider } from '../../../fakes/fake-openai-provider-process.ts';
import { RecordingSpending } from '../../../unit/gateway/dispatch/recording-spending.ts';
import { price, ProvidersRig } from './providers-rig.ts';

const big = { id: 'big', contextLength: 200_000, maxOutputTokens: 1_000 };
const content = 'Hello';

async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  const pieces = stream[Symbol.asyncIterator]();
  while ((await pieces.next()).done !== true);
}

describe('what OpenRouter bills', () => {
  const vectors = { id: 'vectors', contextLength: 8_000, capabilities: ['embedding' as const] };
  const spent = new RecordingSpending(price);
  const own = { timeout: 30_000 };
  let fake: FakeOpenAiProvider;
  let providers: ProvidersRig;
  let site: Gateway;
  let at = '';

  beforeAll(async () => {
    fake = await FakeOpenAiProvider.start('openrouter');
    providers = await ProvidersRig.start({ openrouter: { url: fake.url, models: [big, vectors] } });
    site = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
      { upstreams: () => providers.providers.upstreams(), spending: spent, clock: systemClock, logger: silentLogger },
    );
    at = (await site.listen()).url;
  });
  beforeEach(() => {
    spent.log.length = 0;
  });
  afterAll(async () => {
    await site.close();
    await providers.providers.stop();
    await fake[Symbol.asyncDispose]();
  });

  const messages = [{ role: 'user' as const, content }];
  const chat = { model: 'openrouter/big', max_tokens: 64, messages };
  const clients = () => {
    const shared = { apiKey: 'x', maxRetries: 0 };
    return {
      openai: new OpenAI({ ...shared, baseURL: `${at}/v1` }),
      anthropic: new Anthropic({ ...shared, baseURL: at }),
      ollama: new Ollama({ host: at }),
    };
  };
  /** All ways of an answer, each asked in turn. */
  async function everyWay(): Promise<void> {
    const { openai: plain, anthropic: claude, ollama } = clients();
    await plain.chat.completions.create(chat);
    const streamed = { ...chat, stream: true as const };
    await drained(await plain.chat.completions.create(streamed));
    await drained(await plain.chat.completions.create({ ...streamed, stream_options: { include_usage: true } }));
    await claude.messages.create(chat);
    await claude.messages.stream(chat).finalMessage();
    await ollama.chat({ model: chat.model, messages });
  }
  /** Millionths of a dollar that the fake's own books have for each answer from the first of these on. */
  const billedSince = async (count: number): Promise<string[]> => {
    await expect.poll(async () => (await fake.state()).active, own).toBe(0);
    return (await fake.state()).bills.slice(count).map(({ costUsd = 0 }) => `settle ${(costUsd * 1e6).toFixed(0)}`);
  };
  const ends = () => spent.log.filter((line) => !line.startsWith('reserve'));

  it('is what is booked, for no host that is dearer than the price is asked', async () => {
    await fake.behave({ tokens: 2, promptTokens: 100, cachedTokens: 60 });
    const before = (await fake.state()).bills.length;
    await everyWay();
    const bills = await billedSince(before);
    expect(bills).toEqual(Array<string>(6).fill(`settle ${40 * 3 + 60 * 0.3 + 2 * 15}`));
    await expect.poll(ends, own).toEqual(bills);
  });

  it('is booked where it is more than is reckoned: a host’s dearer cache, and a fee for a key of one’s own', async () => {
    const hosts = [{ name: 'fair', inputUsd: 3, cachedInputUsd: 3, outputUsd: 15 }];
    for (const behaviour of [{ hosts }, { hosts, ownKey: true }]) {
      spent.log.length = 0;
      await fake.behave({ tokens: 20, promptTokens: 100, cachedTokens: 60, ...behaviour });
      const before = (await fake.state()).bills.length;
      await everyWay();
      const bills = await billedSince(before);
      const sum = 'ownKey' in behaviour ? 630 : 100 * 3 + 20 * 15;
      expect(bills).toEqual(Array<string>(6).fill(`settle ${sum}`));
      await expect.poll(ends, own).toEqual(bills);
    }
  });

  it('is booked for vectors too', async () => {
    await fake.behave({ promptTokens: 100, ownKey: true });
    const { openai: plain, ollama } = clients();
    await plain.embeddings.create({ model: 'openrouter/vectors', input: 'a' });
    await ollama.embed({ model: 'openrouter/vectors', input: 'a' });
    await expect.poll(ends, own).toEqual(['settle 315', 'settle 315']);
  });

  it('a caller who wants a dearer host alone is refused, and keeps nobody else from being answered', async () => {
    await fake.behave({ tokens: 2 });
    const dear = { ...chat, provider: { only: ['dear'] } };
    for (let count = 0; count < 6; count += 1) {
      const refused = await clients()
        .openai.chat.completions.create(dear)
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 400, message: expect.stringContaining('No endpoints found') as string });
    }
    expect(ends()).toEqual(Array<string>(6).fill('release'));
    expect(site.stats().breakers).toEqual([]);
    expect(providers.row('openrouter').state).toBe('ready');
    expect((await clients().openai.chat.completions.create(chat)).choices).toHaveLength(1);
  });

  it('F30 a request that is too long for what is left is refused with its sentence, and the next one answered', async () => {
    const sentence = 'You requested up to 64000 tokens, but can only afford 3919.';
    await fake.behave({ fault: 'status', status: 402, errorMessage: sentence });
    const refused = await clients()
      .openai.chat.completions.create({ ...chat, max_completion_tokens: 64_000 })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 400, message: expect.stringContaining(sentence) as string });
    expect(ends()).toEqual(['release']);
    expect(site.stats().breakers).toEqual([]);
    await fake.behave({ tokens: 2 });
    expect((await clients().openai.chat.completions.create(chat)).choices).toHaveLength(1);
  });
});
