// A process that ticks as often as its first argument says, and prints what that cost as one line of JSON. With
// `--start-one` it starts a process itself, so that the count can be seen to count.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { engine, gateway } from '../../unit/telemetry/node-parts.ts';
import { startTelemetry } from './running-telemetry.ts';

/**
 * Page faults of processes that this one started and waited for, from field 11 of /proc/self/stat: above zero as soon
 * as there was one, however short its life and however it was started.
 */
function childFaults(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[8]);
}

const ticks = Number(process.argv[2]);
const clock = new ManualClock();
const telemetry = await startTelemetry({
  clock,
  engines: () => [engine, { ...engine, id: 'b', pid: process.pid }, { ...engine, id: 'c', pid: process.ppid }],
  gateway: () => gateway,
  notices: () => [],
});
let publications = 0;
telemetry.publisher.subscribe(() => (publications += 1));

const batch = 100;
const costsMs: number[] = [];
const cpuMs: number[] = [];

async function tickBatch(): Promise<void> {
  const before = process.cpuUsage();
  for (let tick = 0; tick < batch; tick += 1) {
    const startedMs = performance.now();
    clock.advance(1_000);
    costsMs.push(performance.now() - startedMs);
    // Gives the loop a turn, as there is between two ticks of a second.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  cpuMs.push((user + system) / 1_000 / batch);
}

for (let done = 0; done < ticks; done += batch) await tickBatch();
if (process.argv.includes('--start-one')) spawnSync('true');
await telemetry.stop();

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

console.log(
  JSON.stringify({
    publications,
    childFaults: childFaults(),
    // CPU time says what a tick costs also on a machine that is busy with other things; the clock does not. Other
    // work can only add to it, so the least of the batches comes nearest to what the code itself takes.
    cpuMs: at(cpuMs, 0.5),
    leastCpuMs: at(cpuMs, 0),
    p50Ms: at(costsMs, 0.5),
    p99Ms: at(costsMs, 0.99),
    worstMs: at(costsMs, 1),
  }),
);
