/** A request of the bench. */
export interface Arrival {
  readonly atMs: number;
  readonly caller: string;
  /** Prompt tokens that are not cached. */
  readonly promptTokens: number;
  /** What the answer will come to; nobody knows it before. */
  readonly answerTokens: number;
  readonly maxTokens: number | null;
}

interface Program {
  readonly caller: string;
  readonly share: number;
  readonly prompt: Spread;
  readonly answer: Spread;
  readonly maxTokens: number | null;
}

/** Log-normal, cut at both ends. */
interface Spread {
  readonly median: number;
  readonly sigma: number;
  readonly least: number;
  readonly most: number;
}

/** What programs on a small machine send: new text only, for the rest of a chat is in the cache. */
const programs: readonly Program[] = [
  {
    caller: 'agent',
    share: 0.5,
    prompt: { median: 70, sigma: 0.6, least: 12, most: 600 },
    answer: { median: 60, sigma: 0.6, least: 8, most: 600 },
    maxTokens: null,
  },
  {
    caller: 'chat',
    share: 0.3,
    prompt: { median: 40, sigma: 0.7, least: 8, most: 600 },
    answer: { median: 120, sigma: 0.7, least: 8, most: 800 },
    maxTokens: null,
  },
  {
    caller: 'sorter',
    share: 0.2,
    prompt: { median: 120, sigma: 0.3, least: 40, most: 240 },
    answer: { median: 16, sigma: 0.1, least: 12, most: 24 },
    maxTokens: 24,
  },
];

/** Poisson arrivals: each comes whenever it comes, however busy the node is. */
export function workload({
  count,
  perSecond,
  random,
}: {
  readonly count: number;
  readonly perSecond: number;
  readonly random: () => number;
}): Arrival[] {
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs += (-Math.log(1 - random()) * 1_000) / perSecond;
    let left = random();
    const program = programs.find(({ share }) => (left -= share) < 0) ?? programs[0];
    if (!program) throw new Error('no programs');
    const { caller, maxTokens } = program;
    const promptTokens = drawn(program.prompt, random);
    const answerTokens = drawn(program.answer, random);
    return { atMs, caller, maxTokens, promptTokens, answerTokens };
  });
}

function drawn({ median, sigma, least, most }: Spread, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.round(Math.min(most, Math.max(least, median * Math.exp(sigma * normal))));
}
