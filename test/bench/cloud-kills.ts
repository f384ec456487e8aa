/**
 * Kills a whole agent under load that spends money, and compares its ledger with the books of the provider each time:
 * `npm run soak:cloud`, or with another count `npm run soak:cloud -- 1000`. Exit code 0: nothing lost, nothing twice.
 */
import { compareBooks, killUnderLoad } from '../integration/agent/cloud-kills.ts';
import { CloudSite } from '../integration/agent/cloud-site.ts';

const kills = Number(process.argv[2] ?? 300);
const tellEvery = 10;
/** The ledger is compared as a whole, which takes longer the more there is in it. */
const limit = [{ scope: 'all', period: 'day' as const, unit: 'usd' as const, limit: 1_000_000, softLimit: null }];

let faults: readonly string[] = [];
const site = await CloudSite.start({ offload: 'auto', cloud: { budgets: limit } });
try {
  await site.anthropic.behave({ billing: 'own', tokens: 4 });
  const traces: string[] = [];
  for (let round = 1; round <= kills && faults.length === 0; round += 1) {
    traces.push(...(await killUnderLoad(site, 5 + ((round * 7) % 23))));
    const result = await compareBooks(site, traces);
    ({ faults } = result);
    if (round % tellEvery !== 0 && round !== kills && faults.length === 0) continue;
    const { bills, told, forfeited } = result;
    console.log(
      `${round} kills: ${bills} bills, ${told} told, ${forfeited} set aside and flagged, ${faults.length} faults`,
    );
  }
} finally {
  await site[Symbol.asyncDispose]();
}
for (const fault of faults.slice(0, 20)) console.log(fault);
console.log(`charges lost or doubled: ${faults.length}, bar 0: ${faults.length === 0 ? 'holds' : 'MISSED'}`);
process.exit(faults.length === 0 ? 0 : 1);
