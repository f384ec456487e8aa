import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { billed, claude, type CloudSite, type Line, nanosOf, tokensOfBill } from './cloud-site.ts';

const callers = 8;
const perDollar = 1e9;
const body = { max_tokens: 48, messages: [{ role: 'user' as const, content: 'How many horses? '.repeat(30) }] };

/** Keeps callers at work until the agent has answered so many, and ends it there; resolves with the ids of the answers. */
export async function killUnderLoad(site: CloudSite, answers: number): Promise<string[]> {
  const { agent } = site;
  const { anthropic } = site.clients();
  const traces: string[] = [];
  const killed: Promise<unknown>[] = [];
  const isOver = (): boolean => killed.length > 0;
  const work = async (caller: number): Promise<void> => {
    for (let number = 0; !isOver(); number += 1) {
      try {
        const ask = { ...body, model: claude };
        const call =
          (caller + number) % 2 === 0
            ? anthropic.messages.create(ask).withResponse()
            : anthropic.messages.create({ ...ask, stream: true }).withResponse();
        const { data, response } = await call;
        if (Symbol.asyncIterator in data) await readToEnd(data);
        traces.push(response.headers.get('x-ranch-trace') ?? 'none');
      } catch (error) {
        // Whoever is under way when it dies hears of it.
        if (!isOver()) throw error;
      }
      if (traces.length >= answers && !isOver()) killed.push(agent.kill());
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  await Promise.all(killed);
  await site.anthropic.idle();
  await site.startAgent();
  await site.whenReady();
  return traces;
}

async function readToEnd(events: AsyncIterable<{ readonly type: string }>): Promise<void> {
  let last = 'nothing';
  for await (const { type } of events) last = type;
  if (last !== 'message_stop') throw new Error(`the answer ended with ${last}`);
}

/** What the ledger has after all of that, against the provider's own books. */
export interface Comparison {
  readonly bills: number;
  readonly told: number;
  readonly forfeited: number;
  /** What is wrong, in words; empty when nothing is. */
  readonly faults: readonly string[];
}

/**
 * Compares with the provider's books, in which each answer has counts of its own: what was told is booked exactly once and
 * as billed; for what was billed and not told, as much as was set aside is booked; nothing else is.
 */
export async function compareBooks(site: CloudSite, traces: readonly string[]): Promise<Comparison> {
  const lines = await site.settledLines(0);
  const charges = lines.filter(({ kind }) => kind === 'charge');
  const bills = await site.anthropic.bills();
  const faults: string[] = [];

  const ids = charges.map(({ charge }) => charge);
  if (new Set(ids).size !== ids.length) faults.push('a charge stands there twice');
  const open = new Map<string, typeof bills>();
  for (const bill of bills) open.set(keyOf(tokensOfBill(bill)), [...(open.get(keyOf(tokensOfBill(bill))) ?? []), bill]);
  const settled = charges.filter(({ state }) => state === 'settled');
  const told = settled.filter(({ basis }) => basis === 'told');
  for (const line of told) {
    const left = open.get(keyOf(line)) ?? [];
    if (!left.some(({ whole }) => whole))
      faults.push(`${line.charge} is booked, and was not billed so (or is booked twice)`);
    else
      left.splice(
        left.findIndex(({ whole }) => whole),
        1,
      );
    if (nanos(line) !== nanosOf(claude, line))
      faults.push(`${line.charge} costs ${nanos(line)}, not ${nanosOf(claude, line)}`);
  }
  const untold = settled.filter(({ basis }) => basis !== 'told');
  const rest = [...open.values()].flat();
  if (rest.length > untold.length)
    faults.push(`${rest.length} bills were not told, and ${untold.length} are booked as such`);
  for (const line of untold) if (line.flagged !== true) faults.push(`${line.charge} is not flagged`);
  if (sum(untold.map(nanos)) < billed(rest)) faults.push('less is booked than was billed');
  const known = new Set(charges.map(({ trace }) => trace));
  for (const trace of traces) if (!known.has(trace)) faults.push(`the charge of ${trace} is lost`);
  const integrity = integrityOf(site);
  if (integrity !== 'ok') faults.push(`integrity_check: ${integrity}`);
  const { cloud } = await site.control.snapshot();
  const spent = Math.round((cloud.today?.spentUsd ?? -1) * perDollar);
  if (spent !== sum(settled.map(nanos)))
    faults.push(`the budget counts ${spent}, the ledger ${sum(settled.map(nanos))}`);
  if ((cloud.today?.reservedUsd ?? -1) !== 0) faults.push(`${cloud.today?.reservedUsd} dollars are still set aside`);
  return { bills: bills.length, told: told.length, forfeited: untold.length, faults };
}

function integrityOf(site: CloudSite): string {
  const database = new DatabaseSync(join(site.dataDir, 'ledger.db'), { readOnly: true });
  try {
    return String(database.prepare('PRAGMA integrity_check').get()?.['integrity_check']);
  } finally {
    database.close();
  }
}

function keyOf({ inputTokens, cachedTokens, cacheWriteTokens, outputTokens }: ReturnType<typeof tokensOfBill>): string {
  return `${inputTokens} ${cachedTokens} ${cacheWriteTokens} ${outputTokens}`;
}

function nanos({ costUsd }: Line): number {
  return Math.round((costUsd ?? 0) * perDollar);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
