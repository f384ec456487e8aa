/**
 * Eight agents at twice the capacity of one node with a real llama-server, a provider that keeps books, and a dollar:
 *
 *   node test/bench/cloud-agents.ts [--minutes 5]
 *
 * Each agent asks for routine work, for anything, and for quality by turns. Routine work may never cost anything, quality
 * goes to the cloud while there is money, what is spent is never more than the dollar as the provider counts it, and
 * nothing hangs. Then the switch is turned off, and the provider may hear of nothing any more.
 *
 * Exit codes: 0 all holds, 1 something was missed, 2 no verdict (the engine or its model is not there).
 */
import { parseArgs } from 'node:util';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { ranchHeaders } from '../../electron/contract/routing.ts';
import { billed, claude, CloudSite, type Line } from '../integration/agent/cloud-site.ts';

const agents = 8;
const parallel = 4;
const limitUsd = 1;
const perDollar = 1e9;
/** Nothing of this size takes that long: it hangs. */
const hangsMs = 60_000;
const mostRefusedWaitMs = 2_000;
const offShare = 0.15;
const kinds = ['ranch/routine', 'ranch/auto', 'ranch/routine', 'ranch/quality'] as const;
type Kind = (typeof kinds)[number];
/** Ten times what the best model of a provider costs, so that the dollar is used up in the middle of a run. */
const price = { inputUsd: 150, outputUsd: 750, cachedInputUsd: 15, cacheWriteUsd: 187.5 };

interface Outcome {
  readonly kind: Kind;
  /** Of the answer's head; empty for what hung or broke off. A head that went out while the request waited has no route. */
  readonly trace: string;
  readonly status: number;
  readonly isHung: boolean;
  readonly tookMs: number;
  readonly isOff: boolean;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } });
const folder = testEnginesFolder(process.env);
const program = findTestEngine(folder, 'llama-server');
const model = findTestEngine(folder, 'gemma');
if (program === undefined || model === undefined) {
  console.log('No verdict: node build/test-engines.ts llama-server gemma');
  process.exit(2);
}

const site = await CloudSite.start({
  offload: 'auto',
  llamaServer: { program, model, parallel },
  cloud: {
    prices: { [claude]: { ...price, imageUsd: null, charactersUsd: null } },
    equivalents: { 'ranch/auto': [claude], 'ranch/quality': [claude] },
    budgets: [{ scope: 'all', period: 'day', unit: 'usd', limit: limitUsd, softLimit: null }],
  },
});
let isGood = false;
try {
  await site.anthropic.behave({ billing: 'own', tokens: 30, intervalMs: 20, firstMs: 200 });
  const totalMs = Number(values.minutes) * 60_000;
  const auto = await run(totalMs * (1 - offShare), false);
  await site.anthropic.idle();
  await site.control.command('offload.set', { mode: 'off' });
  const before = (await site.anthropic.state()).started;
  const off = await run(totalMs * offShare, true);
  isGood = await verdict([...auto, ...off], (await site.anthropic.state()).started - before);
} finally {
  await site[Symbol.asyncDispose]();
}
process.exit(isGood ? 0 : 1);

async function run(forMs: number, isOff: boolean): Promise<Outcome[]> {
  const endMs = performance.now() + forMs;
  const outcomes: Outcome[] = [];
  const agent = async (number: number): Promise<void> => {
    for (let turn = number; performance.now() < endMs; turn += 1) {
      const outcome = await ask(kinds[turn % kinds.length] ?? 'ranch/auto', number, turn, isOff);
      outcomes.push(outcome);
      // Who is refused comes back a little later, as client libraries do.
      if (outcome.status >= 400) await pause(Math.min(mostRefusedWaitMs, 200 * (1 + (turn % 5))));
    }
  };
  await Promise.all(Array.from({ length: agents }, (_, number) => agent(number)));
  return outcomes;
}

async function ask(kind: Kind, number: number, turn: number, isOff: boolean): Promise<Outcome> {
  const beganMs = performance.now();
  const content = `Agent ${number}, step ${turn}: tell in a few words what to do next with the files of this project.`;
  const body = { model: kind, max_tokens: 48, stream: turn % 2 === 0, messages: [{ role: 'user', content }] };
  const outcome = (trace: string, status: number, isHung = false): Outcome => {
    return { kind, trace, status, isHung, tookMs: performance.now() - beganMs, isOff };
  };
  try {
    const answer = await fetch(`${site.agent.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(hangsMs),
    });
    await answer.text();
    return outcome(answer.headers.get(ranchHeaders.trace) ?? '', answer.status);
  } catch (error) {
    return outcome('', 0, error instanceof Error && error.name === 'TimeoutError');
  }
}

async function verdict(outcomes: readonly Outcome[], paidWhileOff: number): Promise<boolean> {
  const lines = await site.settledLines(0);
  const bills = await site.anthropic.bills();
  const spent = billed(bills, price);
  const booked = lines.reduce((sum, { costUsd }) => sum + Math.round((costUsd ?? 0) * perDollar), 0);
  const { today } = (await site.control.snapshot()).cloud;
  const asked = new Map(lines.flatMap((line) => (line.kind === 'request' ? [[line.trace, line] as const] : [])));
  const routeOf = ({ trace }: Outcome): string => asked.get(trace)?.route ?? 'lost';
  const of = (kind: Kind, route: string): number =>
    outcomes.filter((each) => !each.isOff && each.kind === kind && routeOf(each) === route).length;
  for (const kind of new Set(kinds)) {
    const routes = ['local', 'cloud', 'none'].map((route) => `${route} ${of(kind, route)}`);
    console.log(`${kind}: ${routes.join(', ')}`);
  }
  const whileOff = outcomes.filter(({ isOff }) => isOff);
  const offLocal = whileOff.filter((each) => routeOf(each) === 'local').length;
  console.log(
    `switched off: ${whileOff.length} requests, ${offLocal} answered here, ${paidWhileOff} reached the provider`,
  );
  const codes = new Map<string, number>();
  for (const { trace, status } of outcomes) {
    const code = `${status} ${asked.get(trace)?.reason ?? ''}`;
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  console.log([...codes].map(([code, count]) => `${code}: ${count}`).join(', '));
  console.log(
    `the provider counts ${usd(spent)} of ${bills.length} answers; the ledger ${usd(booked)}; today ${usd((today?.spentUsd ?? 0) * perDollar)}`,
  );
  const times = outcomes.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  console.log(
    `longest ${Math.round(times.at(-1) ?? 0)} ms, p99 ${Math.round(times[Math.floor(times.length * 0.99)] ?? 0)} ms`,
  );
  const checks: readonly (readonly [string, boolean])[] = [
    ['routine work cost nothing', of('ranch/routine', 'cloud') === 0],
    ['quality went to the cloud', of('ranch/quality', 'cloud') > 0],
    ['spent at most a dollar', spent <= limitUsd * perDollar && booked <= limitUsd * perDollar],
    ['the books agree', spent === booked],
    ['nothing hung', !outcomes.some(({ isHung }) => isHung)],
    ['every request was answered or refused, and none failed', outcomes.every((each) => isOver(each, asked))],
    ['nothing is set aside any more', today?.reservedUsd === 0],
    [
      'switched off, the provider heard nothing',
      paidWhileOff === 0 && whileOff.every((each) => routeOf(each) !== 'cloud'),
    ],
    ['switched off, answers came from here', offLocal > 0],
  ];
  for (const [what, holds] of checks) console.log(`${holds ? 'holds' : 'MISSED'}: ${what}`);
  return checks.every(([, holds]) => holds);
}

function isOver({ trace, status }: Outcome, asked: ReadonlyMap<string, Line>): boolean {
  const line = asked.get(trace);
  if (line === undefined) return false;
  return line.state === 'done' || status === 429 || status === 503;
}

function usd(nanos: number): string {
  return `$${(nanos / perDollar).toFixed(6)}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
