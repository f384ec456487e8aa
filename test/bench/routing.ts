/**
 * P8: where requests go in a ranch of six nodes and of a hundred, in simulated time: the product's own router against
 * each node alone and against the least loaded node. Run with `npm run bench:routing`.
 */
import { alone, leastLoaded, product } from './routing-policies.ts';
import { simulate, type Outcome, type Policy } from './routing-world.ts';

const load = 0.7;
const seeds = [1, 2, 3, 4, 5];
const ranches = [
  { nodes: 6, horizonMs: 3_600_000 },
  { nodes: 100, horizonMs: 600_000 },
];
const bars = { overAlone: 1.6, overLeastLoaded: 2.5, herd: 3 };

const held = ranches.map((ranch) => {
  console.log(`\n${ranch.nodes} nodes, load ${load}, ${seeds.length} seeds, ${ranch.horizonMs / 60_000} min each`);
  console.log('arm              in time (spread)        p50 s   p99 s   fullest/mean   moved');
  const [own, single, least] = [arm(product, ranch), arm(alone, ranch), arm(leastLoaded, ranch)];
  const herd = own.map((outcome) => outcome.herd);
  return [
    bar('started within 2 s, over each node alone', ratios(own, single), bars.overAlone, 'least'),
    bar('started within 2 s, over least loaded', ratios(own, least), bars.overLeastLoaded, 'least'),
    bar('fullest node over the mean', herd, bars.herd, 'most'),
  ].every((holds) => holds);
});
process.exitCode = held.every((holds) => holds) ? 0 : 1;

function arm(policy: Policy, ranch: { nodes: number; horizonMs: number }): Outcome[] {
  const outcomes = seeds.map((seed) => simulate({ ...ranch, load, seed }, policy));
  const of = (pick: (outcome: Outcome) => number): number => median(outcomes.map(pick));
  const shares = outcomes.map(({ inTime }) => inTime);
  const spread = `(${percent(Math.min(...shares))}–${percent(Math.max(...shares))})`;
  const columns = [
    policy.name.padEnd(16),
    `${percent(median(shares))} ${spread}`.padEnd(23),
    (of(({ p50Ms }) => p50Ms) / 1_000).toFixed(1).padStart(5),
    (of(({ p99Ms }) => p99Ms) / 1_000).toFixed(0).padStart(7),
    of(({ herd }) => herd)
      .toFixed(2)
      .padStart(10),
    percent(of(({ moved }) => moved)).padStart(11),
  ];
  console.log(columns.join(' '));
  return outcomes;
}

function ratios(ours: readonly Outcome[], theirs: readonly Outcome[]): number[] {
  return ours.map(({ inTime }, index) => inTime / (theirs[index]?.inTime ?? Number.NaN));
}

function bar(name: string, values: readonly number[], limit: number, kind: 'least' | 'most'): boolean {
  const value = median(values);
  const holds = kind === 'least' ? value >= limit : value <= limit;
  const sign = kind === 'least' ? '≥' : '≤';
  const spread = `(${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
  console.log(`P8 ${name}: ${value.toFixed(2)} ${spread}, bar ${sign} ${limit}: ${holds ? 'holds' : 'MISSED'}`);
  return holds;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
