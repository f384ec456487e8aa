/**
 * L7 in full: kills a process that reserves, settles and records as quickly as it can, and compares the ledger with what
 * the process wrote down itself: `npm run soak:ledger`, or with another count `npm run soak:ledger -- 1000`. The moments
 * come from a seed, so that a run can be repeated.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, killOnce } from '../integration/cloud/ledger/killed-ledger.ts';
import { randomOf } from './routing-world.ts';

const kills = Number(process.argv[2] ?? 300);
const compareEvery = 10;
const mostMs = 400;
const seed = 7;

const random = randomOf(seed);
const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-ledger-'));
let faults: readonly string[] = [];
try {
  for (let round = 1; round <= kills && faults.length === 0; round += 1) {
    await killOnce(folder, round, Math.round(random() * mostMs));
    if (round % compareEvery !== 0 && round !== kills) continue;
    const result = await compare(folder);
    ({ faults } = result);
    console.log(`${round} kills: ${result.charges} charges, ${result.requests} requests, ${faults.length} faults`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults.slice(0, 20)) console.log(fault);
console.log(`L7 records lost or doubled: ${faults.length}, bar 0: ${faults.length === 0 ? 'holds' : 'MISSED'}`);
process.exit(faults.length === 0 ? 0 : 1);
