import { RateLimitError } from '@anthropic-ai/sdk';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compareBooks, killUnderLoad } from './cloud-kills.ts';
import { billed, claude, CloudSite } from './cloud-site.ts';
import { until } from './real-agent.ts';

const perDollar = 1e9;
const callers = 200;
const fitting = 10;
const ask = {
  model: claude,
  max_tokens: 48,
  messages: [{ role: 'user' as const, content: 'Hello, horse. '.repeat(20) }],
};

let site: CloudSite;

beforeEach(async () => {
  site = await CloudSite.start({ offload: 'auto' });
});
afterEach(() => site[Symbol.asyncDispose]());

/** Whether it was answered; anything but an answer and a refusal for want of money is thrown. */
async function isAnswered(): Promise<boolean> {
  try {
    await site.clients().anthropic.messages.create(ask);
    return true;
  } catch (error) {
    if (!(error instanceof RateLimitError)) throw error;
    expect(error.headers.get('x-ranch-reason')).toBe('no-budget');
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
    return false;
  }
}

function limitTo(limit: number): Promise<void> {
  return site.setCloud('budgets', [{ scope: 'all', period: 'day', unit: 'usd', limit }]);
}

it('of 200 requests at once exactly as many go as there is money for, however the provider counts', async () => {
  await site.anthropic.behave({ billing: 'own' });
  expect(await isAnswered()).toBe(true);
  const [first] = (await site.settledLines(1)).filter(({ kind }) => kind === 'charge');
  const worst = first?.reservedUsd ?? 0;
  const spent = first?.costUsd ?? 0;
  expect(spent).toBeGreaterThan(0);
  expect(spent).toBeLessThan(worst);
  const limit = spent + worst * (fitting + 0.5);
  await limitTo(limit);

  // While none of them is over, nothing comes back: what is set aside for ten is all there is.
  await site.anthropic.behave({ billing: 'own', held: true });
  let refused = 0;
  const answers = Array.from({ length: callers }, async () => {
    const isOne = await isAnswered();
    if (!isOne) refused += 1;
    return isOne;
  });
  await until(() => refused === callers - fitting, 30_000);
  // Those that were let through may still be on their way.
  await expect.poll(async () => (await site.anthropic.state()).active).toBe(fitting);
  await expect
    .poll(async () => (await site.control.snapshot()).cloud.today?.reservedUsd)
    .toBeCloseTo(worst * fitting, 9);
  await site.anthropic.release();
  expect((await Promise.all(answers)).filter(Boolean)).toHaveLength(fitting);

  // What came back is spent as well, and never a billionth more than allowed.
  let rounds = 0;
  await site.anthropic.behave({ billing: 'own' });
  for (let some = true; some; rounds += 1) {
    some = (await Promise.all(Array.from({ length: callers / 4 }, isAnswered))).includes(true);
  }
  expect(rounds).toBeGreaterThan(1);
  const { started } = await site.anthropic.idle();
  const bills = await site.anthropic.bills();
  expect(bills).toHaveLength(started);
  expect(bills.every(({ whole }) => whole)).toBe(true);
  expect(billed(bills)).toBeLessThanOrEqual(limit * perDollar);
  expect(limit * perDollar - billed(bills)).toBeLessThan(worst * perDollar);
  await expect.poll(async () => Math.round((await site.usage()).total.costUsd * perDollar)).toBe(billed(bills));
}, 120_000);

it('a provider that bills as much as it can does not get beyond the limit either', async () => {
  await site.anthropic.behave({ billing: 'most' });
  expect(await isAnswered()).toBe(true);
  const [first] = (await site.settledLines(1)).filter(({ kind }) => kind === 'charge');
  const limit = (first?.costUsd ?? 0) + (first?.reservedUsd ?? 0) * (fitting + 0.5);
  await limitTo(limit);
  await Promise.all(Array.from({ length: callers }, isAnswered));
  while (await isAnswered()) expect(billed(await site.anthropic.bills())).toBeLessThanOrEqual(limit * perDollar);
  await site.anthropic.idle();
  const bills = await site.anthropic.bills();
  expect(bills.length).toBeGreaterThanOrEqual(1 + fitting);
  expect(billed(bills)).toBeLessThanOrEqual(limit * perDollar);
}, 120_000);

it('L7 an agent that is killed under load loses no charge and books none twice', async () => {
  await site.anthropic.behave({ billing: 'own', tokens: 4 });
  const traces: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    traces.push(...(await killUnderLoad(site, 5 + ((round * 7) % 23))));
    const { faults, told } = await compareBooks(site, traces);
    expect(faults).toEqual([]);
    expect(told).toBeGreaterThan(0);
  }
}, 240_000);
