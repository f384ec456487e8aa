import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UsageAnswer } from '../../../electron/contract/cloud.ts';
import type { FakeProviderBill } from '../../fakes/fake-openai-provider-behaviour.ts';
import { cli } from '../cli/cli-process.ts';
import {
  billed,
  claude,
  CloudSite,
  equivalents,
  gpt,
  type CloudModel,
  type Line,
  localModel,
  nanosOf,
  type Tokens,
  tokensOfBill,
} from './cloud-site.ts';
import { snapshotWhere } from './real-agent.ts';

const perDollar = 1e9;
/** Long enough that a cent is little beside what it may cost. */
const question = `${'Once upon a time there was a ranch with one horse. '.repeat(40)}What was it called?`;
const messages = [{ role: 'user' as const, content: question }];
/** Answered in time by a server of whose speed nothing is known yet. */
const short = [{ role: 'user' as const, content: 'What was it called?' }];
const weather = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };

const localRequests = 6;

let site: CloudSite;
let lines: Line[];
/** Requests that callers sent, and how many of them ended in an error. */
let sent = 0;

beforeAll(async () => {
  site = await CloudSite.start({ offload: 'auto' });
  await mixedRun();
  await site.anthropic.idle();
  lines = await site.settledLines(sent);
});
afterAll(() => site[Symbol.asyncDispose]());

/** Everything that may become of a request, by the real client libraries. */
async function mixedRun(): Promise<void> {
  const { anthropic, openai } = site.clients();
  const toClaude = { model: claude, max_tokens: 48, messages };
  const toGpt = { model: gpt, max_tokens: 48, messages };

  // Local, plain and streamed.
  for (const model of ['ranch/auto', 'ranch/routine', localModel]) {
    await counted(() => openai.chat.completions.create({ model, messages: short, max_completion_tokens: 8 }));
    await counted(() =>
      read(openai.chat.completions.create({ model, messages: short, max_completion_tokens: 8, stream: true })),
    );
  }
  // The provider's own count, each time another one, of all kinds of tokens; passed through and translated.
  await site.anthropic.behave({ billing: 'own', tokens: 5 });
  for (let round = 0; round < 4; round += 1) {
    await counted(() => anthropic.messages.create(toClaude));
    await counted(() => read(anthropic.messages.create({ ...toClaude, stream: true })));
    await counted(() => openai.chat.completions.create({ ...toClaude, model: 'ranch/quality' }));
    await counted(() => read(openai.chat.completions.create({ ...toClaude, stream: true })));
  }
  // As much as it could come to.
  await site.anthropic.behave({ billing: 'most', tokens: 5 });
  await counted(() => anthropic.messages.create(toClaude));
  // A call of a tool, with thinking before it.
  const call = { name: 'get_weather', pieces: ['{"city":', '"Oslo"}'] };
  await site.anthropic.behave({
    calls: [call],
    thinking: ['Let me ', 'see.'],
    inputTokens: 120,
    cacheRead: 90,
    cacheWritten: 30,
  });
  const tools = [{ name: 'get_weather', description: 'Tells the weather', input_schema: weather }];
  await counted(() => read(anthropic.messages.create({ ...toClaude, tools, stream: true })));
  // OpenAI's books: cached tokens are part of the prompt, thinking is part of the output.
  await site.openai.behave({ promptTokens: 250, cachedTokens: 200, reasoning: 9, tokens: 6 });
  await counted(() => openai.chat.completions.create(toGpt));
  await counted(() => read(openai.chat.completions.create({ ...toGpt, stream: true })));
  await counted(() => anthropic.messages.create(toGpt));
  await brokenRun();
}

async function brokenRun(): Promise<void> {
  const { anthropic, openai } = site.clients();
  const toClaude = { model: claude, max_tokens: 48, messages };
  const toGpt = { model: gpt, max_tokens: 48, messages };
  // The caller leaves in the middle of a stream.
  await site.anthropic.behave({ tokens: 40, inputTokens: 300, fault: 'silent', afterTokens: 4 });
  sent += 1;
  const stream = anthropic.messages.stream(toClaude);
  let heard = 0;
  await new Promise<void>((resolve) => {
    stream.on('text', () => {
      heard += 1;
      if (heard === 4) stream.abort();
    });
    stream.on('abort', () => resolve());
    stream.on('error', () => resolve());
  });
  await site.anthropic.idle();
  // The provider refuses: nothing is billed.
  await site.anthropic.behave({
    fault: 'status',
    status: 400,
    errorType: 'invalid_request_error',
    errorMessage: 'No.',
  });
  await failing(() => anthropic.messages.create(toClaude));
  await site.openai.behave({ fault: 'status', status: 400, errorType: 'invalid_request_error' });
  await failing(() => openai.chat.completions.create(toGpt));
  // The answer breaks off before its count, streamed by each provider.
  await site.anthropic.behave({ tokens: 20, inputTokens: 310, fault: 'cut', afterTokens: 6 });
  await failing(() => read(anthropic.messages.create({ ...toClaude, stream: true })));
  await site.openai.behave({ tokens: 20, promptTokens: 260, fault: 'cut', afterTokens: 6 });
  await failing(() => read(openai.chat.completions.create({ ...toGpt, stream: true })));
  // Nobody knows what the provider did: the connection is gone before a head, or within a plain answer.
  await site.anthropic.behave({ inputTokens: 320, fault: 'drop' });
  await failing(() => anthropic.messages.create(toClaude));
  await site.anthropic.behave({});
  await site.openai.behave({});
}

async function counted(call: () => Promise<unknown>): Promise<void> {
  sent += 1;
  await call();
}

async function failing(call: () => Promise<unknown>): Promise<void> {
  sent += 1;
  await expect(call()).rejects.toThrow();
}

async function read(opening: PromiseLike<AsyncIterable<unknown>>): Promise<void> {
  let events = 0;
  for await (const event of await opening) if (event !== undefined) events += 1;
  expect(events).toBeGreaterThan(0);
}

function chargesOf(provider: string): Line[] {
  return lines.filter((line) => line.kind === 'charge' && line.provider === provider);
}

function modelOf(line: Line): CloudModel {
  return line.provider === 'anthropic' ? claude : gpt;
}

function kindsOf(line: Line): Tokens {
  const { inputTokens, cachedTokens, cacheWriteTokens, outputTokens } = line;
  return { inputTokens, cachedTokens, cacheWriteTokens, outputTokens };
}

function nanos(usd: number | null | undefined): number {
  return Math.round((usd ?? 0) * perDollar);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function tokensOfOpenAi({ promptTokens, cachedTokens, outputTokens }: FakeProviderBill): Tokens {
  return { inputTokens: promptTokens - cachedTokens, cachedTokens, cacheWriteTokens: 0, outputTokens };
}

function inOrder(tokens: readonly Tokens[]): string[] {
  return tokens.map((each) => JSON.stringify(each)).toSorted();
}

it('what the providers told is booked, every kind of token, to the billionth', async () => {
  const bills = await site.anthropic.bills();
  const whole = bills.filter((bill) => bill.whole);
  const toldByAnthropic = chargesOf('anthropic').filter(({ basis }) => basis === 'told');
  expect(whole).toHaveLength(18);
  expect(inOrder(toldByAnthropic.map(kindsOf))).toEqual(inOrder(whole.map(tokensOfBill)));
  expect(sum(toldByAnthropic.map(({ costUsd }) => nanos(costUsd)))).toBe(billed(whole));
  expect(billed(whole)).toBeGreaterThan(perDollar);

  const { bills: others } = await site.openai.state();
  const toldByOpenAi = chargesOf('openai').filter(({ basis }) => basis === 'told');
  const wholeOthers = others.filter((bill) => bill.whole).map(tokensOfOpenAi);
  expect(wholeOthers).toHaveLength(3);
  expect(inOrder(toldByOpenAi.map(kindsOf))).toEqual(inOrder(wholeOthers));
  expect(sum(toldByOpenAi.map(({ costUsd }) => nanos(costUsd)))).toBe(
    sum(wholeOthers.map((each) => nanosOf(gpt, each))),
  );
  for (const line of [...toldByAnthropic, ...toldByOpenAi]) {
    expect(nanos(line.costUsd)).toBe(nanosOf(modelOf(line), kindsOf(line)));
    expect(line).toMatchObject({ state: 'settled', flagged: false, estimatedUsd: 0 });
    expect(nanos(line.costUsd)).toBeLessThanOrEqual(nanos(line.reservedUsd));
  }
});

it('what nobody told is flagged, at least what the provider bills, and at most what was set aside', async () => {
  const broken = (await site.anthropic.bills()).filter((bill) => !bill.whole);
  const untold = chargesOf('anthropic').filter(({ state, basis }) => state === 'settled' && basis !== 'told');
  expect(untold.map(({ basis }) => basis)).toEqual(['estimated', 'estimated', 'forfeited']);
  expect(broken).toHaveLength(untold.length);
  untold.forEach((line, index) => {
    const bill = broken[index];
    if (!bill) throw new Error('no bill');
    expect(line.flagged).toBe(true);
    expect(nanos(line.costUsd)).toBe(nanos(line.estimatedUsd));
    expect(nanos(line.costUsd)).toBeGreaterThanOrEqual(nanosOf(claude, tokensOfBill(bill)));
    expect(nanos(line.costUsd)).toBeLessThanOrEqual(nanos(line.reservedUsd));
  });
  // A stream tells its prompt at once, and each piece was heard: within a cent, though the end never came.
  for (const [index, line] of untold.slice(0, 2).entries()) {
    const bill = broken[index];
    if (bill) expect(nanos(line.costUsd) - nanosOf(claude, tokensOfBill(bill))).toBeLessThan(perDollar / 100);
  }
  expect(nanos(untold[2]?.costUsd)).toBe(nanos(untold[2]?.reservedUsd));

  const [cut, ...more] = chargesOf('openai').filter(({ state, basis }) => state === 'settled' && basis !== 'told');
  expect(more).toEqual([]);
  expect(cut).toMatchObject({ basis: 'estimated', flagged: true });
  expect(nanos(cut?.costUsd)).toBeLessThanOrEqual(nanos(cut?.reservedUsd));
});

it('what a provider refused costs nothing', () => {
  for (const provider of ['anthropic', 'openai']) {
    const released = chargesOf(provider).filter(({ state }) => state !== 'settled');
    expect(released.length).toBeGreaterThan(0);
    for (const line of released) expect(line).toMatchObject({ state: 'void', flagged: false });
    for (const line of released) expect(nanos(line.costUsd)).toBe(0);
  }
});

it('the sums of usage, of the snapshot, of the terminal and of the export are the same', async () => {
  const spent = sum(lines.map(({ costUsd }) => nanos(costUsd)));
  const estimated = sum(lines.map(({ estimatedUsd }) => nanos(estimatedUsd)));
  const usage = await site.usage();
  const requests = lines.filter(({ kind }) => kind === 'request');
  expect(requests).toHaveLength(sent);
  expect(usage.total.requests).toBe(sent);
  expect(nanos(usage.total.costUsd)).toBe(spent);
  expect(nanos(usage.total.estimatedUsd)).toBe(estimated);
  expect(nanos(usage.sides.cloud.costUsd)).toBe(spent);
  expect(usage.sides.local).toMatchObject({ requests: localRequests, failed: 0, costUsd: 0 });
  expect(nanos(sum(usage.rows.map(({ costUsd }) => costUsd)))).toBe(spent);
  for (const kind of ['inputTokens', 'cachedTokens', 'cacheWriteTokens', 'outputTokens'] as const) {
    expect(usage.total[kind], kind).toBe(sum(lines.map((line) => kindsOf(line)[kind])));
  }
  const { cloud } = await snapshotWhere(site.agent, (snapshot) => nanos(snapshot.cloud.today?.spentUsd) === spent);
  expect(cloud.today?.reservedUsd).toBe(0);
  expect(cloud.budgets.map(({ spent: of, reserved }) => [nanos(of), reserved])).toEqual([[spent, 0]]);
  const shown = JSON.parse((await cli(['usage', '--json'], { dataDir: site.dataDir })).stdout) as UsageAnswer;
  expect(shown.total).toEqual(usage.total);
});

it('the local share comes out of the export by hand', async () => {
  const kept = lines.filter(({ kind, route }) => kind === 'request' && route === 'local');
  expect(kept).toHaveLength(localRequests);
  for (const line of kept) {
    const standIns = equivalents[line.requestedModel ?? ''] ?? equivalents['*'] ?? [];
    expect(nanos(line.keptLocalUsd)).toBe(Math.min(...standIns.map((model) => nanosOf(model, kindsOf(line)))));
    expect(nanos(line.keptLocalUsd)).toBeGreaterThan(0);
  }
  const keptNanos = sum(lines.map(({ keptLocalUsd }) => nanos(keptLocalUsd)));
  const share = keptNanos / (keptNanos + sum(lines.map(({ costUsd }) => nanos(costUsd))));
  const usage = await site.usage();
  expect(nanos(usage.total.keptLocalUsd)).toBe(keptNanos);
  expect(usage.localShare).toBeCloseTo(share, 12);
  const { cloud } = await site.control.snapshot();
  expect(nanos(cloud.today?.keptLocalUsd)).toBe(keptNanos);
  expect(cloud.today?.localShare).toBeCloseTo(share, 12);
});
