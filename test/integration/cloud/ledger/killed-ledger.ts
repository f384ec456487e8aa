import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exported, integrityOf, placesIn, spentBy, startLedger } from './ledger-rig.ts';

export interface KilledResult {
  readonly charges: number;
  readonly requests: number;
  /** What is wrong, one sentence each. */
  readonly faults: readonly string[];
}

const program = fileURLToPath(new URL('killed-process.ts', import.meta.url));

/** Starts the process on the folder's ledger and kills it after that many milliseconds of work. */
export async function killOnce(folder: string, round: number, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [program, folder, logIn(folder), String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  if (child.exitCode !== null) throw new Error(`the process ended by itself with ${child.exitCode}`);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
}

/** Opens the ledger of a folder as the next run would, and compares all of it with what the killed processes wrote down. */
export async function compare(folder: string): Promise<KilledResult> {
  const told = readLog(folder);
  const ledger = await startLedger(folder);
  const lines = await exported(ledger);
  const spent = (await spentBy(ledger))['anthropic'] ?? 0;
  const usage = await ledger.usage({ sinceMs: 0, untilMs: Date.now() + 86_400_000, by: 'provider', timeZone: 'UTC' });
  await ledger.close();
  const faults: string[] = [];
  const charges = lines.filter(({ kind }) => kind === 'charge');
  const requests = lines.filter(({ kind }) => kind === 'request');
  const booked = new Map(charges.map((line) => [String(line['charge']), line]));
  const recorded = new Set(requests.map((line) => String(line['trace'])));
  if (booked.size !== charges.length) faults.push('a charge is there twice');
  if (recorded.size !== requests.length) faults.push('a request is there twice');
  for (const id of booked.keys()) if (!told.charges.has(id)) faults.push(`${id} was never reserved`);
  for (const trace of recorded) if (!told.recording.has(trace)) faults.push(`${trace} was never recorded`);
  for (const trace of told.recorded) if (!recorded.has(trace)) faults.push(`${trace} is lost`);
  let total = 0;
  for (const [id, charge] of told.charges) {
    const line = booked.get(id);
    const fault = faultOf(charge, line ?? null);
    if (fault !== null) faults.push(`${id} ${fault}`);
    total += nano(line?.['costUsd'] ?? null);
  }
  if (total !== spent) faults.push(`${spent} were spent by the quarters, ${total} by the charges`);
  if (nano(usage.total.costUsd) !== total)
    faults.push(`${usage.total.costUsd} dollars by usage, ${total} by the charges`);
  if (usage.total.requests !== requests.length)
    faults.push(`${usage.total.requests} requests by usage, ${requests.length} by the rows`);
  const integrity = integrityOf(placesIn(folder).file);
  if (integrity !== 'ok') faults.push(`the database: ${String(integrity)}`);
  return { charges: charges.length, requests: requests.length, faults };
}

interface ToldCharge {
  worst: number;
  reserved: boolean;
  cost: number | null;
  settled: boolean;
  releasing: boolean;
  released: boolean;
}

function faultOf(told: ToldCharge, line: Readonly<Record<string, unknown>> | null): string | null {
  if (line === null) return told.reserved ? 'is lost' : null;
  const cost = nano(line['costUsd']);
  const isVoid = line['state'] === 'void';
  if (line['state'] === 'reserved') return 'is open';
  if (told.settled)
    return cost === told.cost && line['basis'] === 'told' ? null : `cost ${cost}, not ${String(told.cost)}`;
  if (told.released) return isVoid ? null : 'was released and is booked';
  if (isVoid) return told.releasing ? null : 'is void';
  if (line['basis'] === 'forfeited')
    return cost === told.worst && line['flagged'] === true ? null : `forfeited ${cost}`;
  return cost === told.cost ? null : `cost ${cost} without having been settled`;
}

function nano(usd: unknown): number {
  return typeof usd === 'number' ? Math.round(usd * 1e9) : 0;
}

function logIn(folder: string): string {
  return join(folder, 'provider.log');
}

function readLog(folder: string) {
  const charges = new Map<string, ToldCharge>();
  const recording = new Set<string>();
  const recorded = new Set<string>();
  for (const line of readFileSync(logIn(folder), 'utf8').split('\n')) {
    const [verb = '', id = '', figure] = line.split(' ');
    if (verb === 'reserving') {
      const empty = { reserved: false, cost: null, settled: false, releasing: false, released: false };
      charges.set(id, { worst: Number(figure), ...empty });
    }
    if (verb === 'recording') recording.add(id);
    if (verb === 'recorded') recorded.add(id);
    const charge = charges.get(id);
    if (!charge) continue;
    if (verb === 'reserved') charge.reserved = true;
    if (verb === 'settling') charge.cost = Number(figure);
    if (verb === 'settled') charge.settled = true;
    if (verb === 'releasing') charge.releasing = true;
    if (verb === 'released') charge.released = true;
  }
  return { charges, recording, recorded };
}
