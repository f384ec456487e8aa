/**
 * Reserves, settles and records as quickly as it can until it is killed, and writes before and after each step what it is
 * about to do and what it was answered, the way a provider's log would show it. What it does belongs to the hours of two
 * days, those of budgets run ahead of the machine's as after a clock that was set back, and all are put together all the
 * while. Arguments: folder, own log, name of the round.
 */
import { openSync, writeSync } from 'node:fs';
import { systemClock, type Clock } from '../../../../electron/agent/base/clock.ts';
import { aTrace } from '../../../fixtures/example-trace.ts';
import { charge, settlement, startLedger } from './ledger-rig.ts';

const [folder = '', log = '', round = ''] = process.argv.slice(2);
const descriptor = openSync(log, 'a');

function say(...words: readonly (string | number)[]): void {
  writeSync(descriptor, `${words.join(' ')}\n`);
}

const hourMs = 3_600_000;
/** Old rows are put together a minute after the start and each hour: here, at once and again and again. */
const hasty: Clock = {
  ...systemClock,
  after: (delayMs, task) => systemClock.after(delayMs === 60_000 ? 10 : delayMs, task),
  every: (intervalMs, task) => systemClock.every(intervalMs === hourMs ? 50 : intervalMs, task),
};

const ledger = await startLedger(folder, { clock: hasty });
process.stdout.write('ready\n');
let count = 0;

async function serve(): Promise<void> {
  for (;;) {
    count += 1;
    const trace = `r${round}-${count}`;
    const id = `${trace}#0`;
    const worst = 1_000_000 * (1 + (count % 40));
    const wallMs = Date.now() - (count % 48) * hourMs;
    const at = { atMs: wallMs + (count % 5) * hourMs, wallMs };
    say('reserving', id, worst);
    await ledger.reserve(charge(id, { worst, ...at }));
    say('reserved', id);
    await new Promise((resolve) => setImmediate(resolve));
    if (count % 11 === 0) {
      say('releasing', id);
      ledger.release(id, wallMs);
      say('released', id);
    } else if (count % 13 !== 0) {
      const cost = Math.floor(worst / 3);
      say('settling', id, cost);
      ledger.settle(settlement(id, { cost, ...at }));
      say('settled', id);
    }
    say('recording', trace);
    const told = aTrace({ trace, at: new Date(wallMs).toISOString(), route: 'cloud' });
    ledger.record({ trace: told, node: 'barn', equivalent: null });
    say('recorded', trace);
  }
}

await Promise.all(Array.from({ length: 4 }, serve));
