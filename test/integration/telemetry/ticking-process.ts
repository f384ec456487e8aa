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

const costsMs: number[] = [];
const before = process.cpuUsage();
for (let tick = 0; tick < ticks; tick += 1) {
  const startedMs = performance.now();
  clock.advance(1_000);
  costsMs.push(performance.now() - startedMs);
  // Gives the loop a turn, as there is between two ticks of a second.
  await new Promise((resolve) => setImmediate(resolve));
}
const { user, system } = process.cpuUsage(before);
if (process.argv.includes('--start-one')) spawnSync('true');
await telemetry.stop();
costsMs.sort((a, b) => a - b);
const at = (share: number): number => costsMs[Math.min(costsMs.length - 1, Math.floor(costsMs.length * share))] ?? 0;
console.log(
  JSON.stringify({
    publications,
    childFaults: childFaults(),
    // CPU time says what a tick costs also on a machine that is busy with other things; the clock does not.
    cpuMs: (user + system) / 1_000 / ticks,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    worstMs: at(1),
  }),
);
