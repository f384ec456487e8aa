import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { readKnownPrices } from '../../../../electron/agent/cloud/prices/price-file.ts';
import { PriceTable } from '../../../../electron/agent/cloud/prices/price-table.ts';
import { Gateway } from '../../../../electron/agent/gateway/gateway.ts';
import { cloudSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { FakeOpenAiProvider } from '../../../fakes/fake-openai-provider-process.ts';
import { RecordingSpending } from '../../../unit/gateway/dispatch/recording-spending.ts';
import { price, ProvidersRig } from './providers-rig.ts';

const spent = new RecordingSpending(price);
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } };
const tool = { type: 'function' as const, function: { name: 'weather', description: 'd', parameters } };
const claudeTool = { name: 'weather', description: 'd', input_schema: parameters };
const flatTool = { type: 'function' as const, name: 'weather', parameters, strict: null };
const messages = [{ role: 'user' as const, content: 'Hello' }];

let openai: FakeOpenAiProvider;
let rig: ProvidersRig;
let gateway: Gateway;
let url = '';

beforeAll(async () => {
  openai = await FakeOpenAiProvider.start('openai');
  const known = await readKnownPrices(join(import.meta.dirname, '../../../../resources/prices.json'), {
    logger: silentLogger,
  });
  const table = new PriceTable({ settings: () => cloudSettingsSchema.parse({}), known }, { clock: systemClock });
  rig = await ProvidersRig.start({ openai: { url: openai.url } }, { models: (provider) => table.models(provider) });
  gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
    { upstreams: () => rig.providers.upstreams(), spending: spent, clock: systemClock, logger: silentLogger },
  );
  url = (await gateway.listen()).url;
});

let before = 0;
beforeEach(async () => {
  before = (await openai.state()).requests.length;
});

afterAll(async () => {
  await gateway.close();
  await rig.providers.stop();
  await openai[Symbol.asyncDispose]();
});

const shared = { apiKey: 'x', maxRetries: 0 };
const plain = (): OpenAI => new OpenAI({ ...shared, baseURL: `${url}/v1` });
const claude = (): Anthropic => new Anthropic({ ...shared, baseURL: url });

async function efforts(): Promise<unknown[]> {
  const { requests } = await openai.state();
  return requests.slice(before).map(({ body }) => {
    const { reasoning_effort: effort } = JSON.parse(body) as { reasoning_effort?: unknown };
    return effort;
  });
}

describe.each(['openai/gpt-6.1-terra', 'openai/gpt-6-luna'])('tools with %s', (model) => {
  it('are taken in every dialect, whole and streamed, for it is told not to think', async () => {
    const chat = { model, max_completion_tokens: 64, messages, tools: [tool] };
    await plain().chat.completions.create(chat);
    await plain()
      .chat.completions.stream({ ...chat, stream: true })
      .finalContent();
    const ask = { model, input: 'Hello', max_output_tokens: 64, tools: [flatTool] };
    await plain().responses.create(ask);
    await plain().responses.stream(ask).finalResponse();
    const message = { model, max_tokens: 64, messages, tools: [claudeTool] };
    await claude().messages.create(message);
    await claude().messages.stream(message).finalMessage();
    await new Ollama({ host: url }).chat({ model, messages, tools: [tool] });
    expect(await efforts()).toEqual(Array<string>(7).fill('none'));
  });

  it('leave the thinking of a request without any to the model', async () => {
    await plain().chat.completions.create({ model, max_completion_tokens: 64, messages });
    expect(await efforts()).toEqual([undefined]);
  });

  it('do not change what a caller says of thinking, who is told what becomes of it', async () => {
    const chat = { model, max_completion_tokens: 64, messages, tools: [tool], reasoning_effort: 'high' as const };
    await expect(plain().chat.completions.create(chat)).rejects.toMatchObject({ status: 400 });
    expect(await efforts()).toEqual(['high']);
  });
});

describe('tools with a model that takes them through Responses only', () => {
  it('are refused here, without asking it in vain', async () => {
    const chat = { model: 'openai/gpt-6.1-sol', max_completion_tokens: 64, messages };
    await expect(plain().chat.completions.create({ ...chat, tools: [tool] })).rejects.toMatchObject({ status: 400 });
    expect(await efforts()).toEqual([]);
    await plain().chat.completions.create(chat);
    expect(await efforts()).toEqual([undefined]);
  });
});
