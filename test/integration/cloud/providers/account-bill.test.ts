import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../../electron/agent/gateway/gateway.ts';
import { FakeAnthropic } from '../../../fakes/fake-anthropic-process.ts';
import { FakeOpenAiProvider } from '../../../fakes/fake-openai-provider-process.ts';
import { RecordingSpending } from '../../../unit/gateway/dispatch/recording-spending.ts';
import { price, ProvidersRig } from './providers-rig.ts';

const models = [
  { id: 'big', contextLength: 200_000, maxOutputTokens: 1_000 },
  { id: 'vectors', contextLength: 8_000, capabilities: ['embedding' as const] },
];
const spent = new RecordingSpending(price);
const patient = { timeout: 30_000 };
const messages = [{ role: 'user' as const, content: 'Hello' }];

let openai: FakeOpenAiProvider;
let anthropic: FakeAnthropic;
let rig: ProvidersRig;
let gateway: Gateway;
let url = '';

beforeAll(async () => {
  [openai, anthropic] = await Promise.all([FakeOpenAiProvider.start('openai'), FakeAnthropic.start()]);
  rig = await ProvidersRig.start({ openai: { url: openai.url, models }, anthropic: { url: anthropic.url, models } });
  gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
    { upstreams: () => rig.providers.upstreams(), spending: spent, clock: systemClock, logger: silentLogger },
  );
  url = (await gateway.listen()).url;
});

beforeEach(() => {
  spent.log.length = 0;
});

afterAll(async () => {
  await gateway.close();
  await rig.providers.stop();
  await Promise.all([openai, anthropic].map((fake) => fake[Symbol.asyncDispose]()));
});

function clients(): { readonly plain: OpenAI; readonly claude: Anthropic; readonly ollama: Ollama } {
  const shared = { apiKey: 'x', maxRetries: 0 };
  return {
    plain: new OpenAI({ ...shared, baseURL: `${url}/v1` }),
    claude: new Anthropic({ ...shared, baseURL: url }),
    ollama: new Ollama({ host: url }),
  };
}

/** Answers by every dialect, whole and streamed where that makes a difference. */
async function everyWay(model: string): Promise<void> {
  const { plain, claude, ollama } = clients();
  const ask = { model, max_tokens: 64, messages };
  await plain.chat.completions.create(ask);
  await plain.chat.completions.stream({ ...ask, stream: true }).finalContent();
  await claude.messages.create(ask);
  await claude.messages.stream(ask).finalMessage();
  await ollama.chat({ model, messages });
}
const ways = 5;
const ends = (): string[] => spent.log.filter((line) => !line.startsWith('reserve'));

describe('the account’s own tier at OpenAI', () => {
  const tiers = async (from: number): Promise<(string | undefined)[]> => {
    await expect.poll(async () => (await openai.state()).active, patient).toBe(0);
    return (await openai.state()).bills.slice(from).map(({ tier }) => tier);
  };

  it('is never what a request is billed by', async () => {
    await openai.behave({ accountTier: 'priority' });
    const { length: before } = (await openai.state()).bills;
    await everyWay('openai/big');
    expect(await tiers(before)).toEqual(Array<string>(ways).fill('default'));
  });

  it('gives way to a cheaper one that the caller names', async () => {
    const { length: before } = (await openai.state()).bills;
    const ask = { model: 'openai/big', max_tokens: 64, messages };
    await clients().plain.chat.completions.create({ ...ask, service_tier: 'flex' });
    await clients().plain.chat.completions.create({ ...ask, service_tier: 'auto' });
    expect(await tiers(before)).toEqual(['flex', 'default']);
  });

  it('is no matter of vectors, for which none may be named', async () => {
    const { data } = await clients().plain.embeddings.create({ model: 'openai/vectors', input: 'a' });
    expect(data).toHaveLength(1);
  });
});

describe('the region of an account at Anthropic', () => {
  const usual = 7 * 3 + 2 * 15;

  it.each([
    ['us', (usual * 1.1).toFixed(0)],
    ['global', String(usual)],
    ['not_available', String(usual)],
    [null, String(usual)],
  ])('is paid for where an answer tells of it: %j', async (region, cost) => {
    await anthropic.behave({ tokens: 2, region });
    await everyWay('anthropic/big');
    await expect.poll(ends, patient).toEqual(Array<string>(ways).fill(`settle ${cost}`));
  });
});
