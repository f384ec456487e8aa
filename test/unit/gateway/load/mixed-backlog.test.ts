import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { Admission, type Ticket } from '../../../../electron/agent/gateway/load/admission.ts';
import type { AdmissionAsk, Lanes } from '../../../../electron/agent/gateway/load/ask.ts';
import { classes } from '../../../../electron/agent/gateway/load/next-waiter.ts';
import type { Priority } from '../../../../electron/contract/routing.ts';

const never = new AbortController().signal;

interface Job {
  readonly ask: AdmissionAsk;
  readonly cameMs: number;
  ticket: Ticket | null;
  endMs: number;
  refusal: AppError | null;
}

/** An engine that takes for each request exactly as long as was expected, in simulated time. */
class Engine {
  readonly clock = new ManualClock();
  readonly admission: Admission;
  /** In the order in which they got their places. */
  readonly begun: Job[] = [];
  readonly #running = new Set<Job>();

  constructor(slots: number, patienceMs: number, queueLimit = 64) {
    this.admission = new Admission({ queueLimit, patienceMs }, { clock: this.clock, slots: () => slots });
  }

  get nowMs(): number {
    return this.clock.monotonic();
  }

  async take(ask: AdmissionAsk): Promise<Job> {
    const job: Job = { ask, cameMs: this.nowMs, ticket: null, endMs: 0, refusal: null };
    this.admission.enter(never, ask).then(
      (ticket) => {
        job.ticket = ticket;
        job.endMs = this.nowMs + ask.serviceMs;
        this.begun.push(job);
        this.#running.add(job);
      },
      (error: unknown) => {
        if (error instanceof AppError) job.refusal = error;
      },
    );
    await settled();
    return job;
  }

  /** Lets time pass, and the requests end whose time is over meanwhile, one after the other. */
  async until(atMs: number): Promise<void> {
    for (;;) {
      const [next] = [...this.#running].sort((a, b) => a.endMs - b.endMs);
      if (!next || next.endMs > atMs) break;
      this.clock.advance(next.endMs - this.nowMs);
      this.#running.delete(next);
      next.ticket?.release();
      await settled();
    }
    if (Number.isFinite(atMs)) this.clock.advance(atMs - this.nowMs);
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
}

const priority = fc.constantFrom<Priority[]>('high', 'normal', 'low');
const caller = fc.constantFrom('x', 'y', 'z');
const request = fc.record({
  lanes: fc.constantFrom<Lanes[]>(['a'], ['b'], ['a', 'b'], ['b', 'a']),
  priority,
  caller,
  seconds: fc.integer({ min: 1, max: 9 }),
  afterMs: fc.integer({ min: 0, max: 1_500 }),
});
/** Callers of one lane; or lanes of one caller, for what a caller gets in lanes that none of these waits for is not seen. */
const views = fc.constantFrom<((each: Wish) => Wish)[]>(
  (each) => ({ ...each, lanes: ['a'] }),
  (each) => ({ ...each, caller: 'x' }),
);

/** No two sums of these are the same, so that no two places come free in one moment: which is then first is chance. */
function serviceMs(seconds: number, number: number): number {
  return seconds * 1_000 + 2 ** -(number + 1);
}

interface Wish {
  readonly lanes: Lanes;
  readonly priority: Priority;
  readonly caller: string;
  readonly seconds: number;
  readonly afterMs: number;
}

interface Scene {
  readonly slots: number;
  readonly patienceS: number;
  readonly requests: readonly Wish[];
  readonly last: Wish;
}

const scene = fc
  .record({
    slots: fc.constantFrom(1, 1, 2, 3),
    patienceS: fc.constantFrom(0, 3, 10, 30),
    requests: fc.array(request, { minLength: 1, maxLength: 24 }),
    last: request,
    view: views,
  })
  .map(({ view, requests, last, ...rest }): Scene => ({ ...rest, requests: requests.map(view), last: view(last) }));

/** Those who wait in the end, and the one that comes then. */
async function backlog({ slots, patienceS, requests, last }: Scene): Promise<{ engine: Engine; ask: AdmissionAsk }> {
  const engine = new Engine(slots, patienceS * 1_000);
  for (const [number, { seconds, afterMs, ...who }] of requests.entries()) {
    await engine.until(engine.nowMs + afterMs);
    await engine.take({ ...who, serviceMs: serviceMs(seconds, number), mostWaitMs: Number.POSITIVE_INFINITY });
  }
  await engine.until(engine.nowMs + last.afterMs);
  const { lanes, priority: rank, caller: who } = last;
  return {
    engine,
    ask: { lanes, priority: rank, caller: who, serviceMs: 1_000, mostWaitMs: Number.POSITIVE_INFINITY },
  };
}

describe('prediction in a mixed backlog', () => {
  it('is to the millisecond what happens when nobody else comes, in every class, for every caller, in each lane', async () => {
    const seen = { waits: 0, pastHigher: 0 };
    await fc.assert(
      fc.asyncProperty(scene, async (all) => {
        const { engine, ask } = await backlog(all);
        const predictedMs = engine.admission.predictedWaitMs(ask);
        const job = await engine.take(ask);
        await engine.until(Number.POSITIVE_INFINITY);
        expect(job.ticket?.waitedMs).toBeCloseTo(predictedMs, 5);
        if (predictedMs > 0) seen.waits += 1;
        const later = engine.begun.slice(engine.begun.indexOf(job) + 1);
        if (later.some((other) => classes.indexOf(other.ask.priority) < classes.indexOf(ask.priority)))
          seen.pastHigher += 1;
      }),
      { numRuns: 500 },
    );
    // It was about queues, and about places that made good too.
    expect(seen.waits).toBeGreaterThan(200);
    expect(seen.pastHigher).toBeGreaterThan(5);
  });

  it('tells a refused one the time after which it would have had its place', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(scene, async (all) => {
        const { engine, ask } = await backlog(all);
        const { refusal } = await engine.take({ ...ask, mostWaitMs: 0 });
        const waiting = await engine.take(ask);
        await engine.until(Number.POSITIVE_INFINITY);
        const retryAfterS = Number(refusal?.context['retryAfterS']);
        // Before anything was measured none is told to stay away for longer than this.
        if (refusal === null || retryAfterS === 15) return;
        told += 1;
        expect(retryAfterS).toBe(Math.max(1, Math.ceil((waiting.ticket?.waitedMs ?? Number.NaN) / 1_000)));
      }),
      { numRuns: 200 },
    );
    expect(told).toBeGreaterThan(50);
  });
});

describe('a routine backlog of one caller on one slot', () => {
  const each = { lanes: ['a'], caller: 'anonymous', serviceMs: 10_000 } as const;

  async function routine(count: number): Promise<Engine> {
    const engine = new Engine(1, 30_000);
    await engine.take({ ...each, priority: 'low', mostWaitMs: 600_000 });
    await engine.until(10_000);
    for (let job = 0; job < count; job += 1) await engine.take({ ...each, priority: 'low', mostWaitMs: 600_000 });
    return engine;
  }

  it.each<[Priority, number]>([
    ['normal', 45_000],
    ['high', 45_000],
    ['high', 105_000],
  ])('lets a %s request in at once, with its place in the next that come free, at %d ms', async (rank, atMs) => {
    const engine = await routine(40);
    await engine.until(atMs);
    const job = await engine.take({ ...each, priority: rank, mostWaitMs: 20_000 });
    expect(job.refusal).toBeNull();
    await engine.until(atMs + 20_000);
    expect(job.ticket?.waitedMs).toBe(5_000);
  });

  it('has its fourth place however many come, and the rest is theirs', async () => {
    const engine = await routine(40);
    await engine.until(60_000);
    const before = engine.begun.length;
    for (let place = 0; place < 40; place += 1) {
      await engine.take({ ...each, priority: 'high', mostWaitMs: 600_000 });
      await engine.until(engine.nowMs + 10_000);
    }
    const low = engine.begun.slice(before).map(({ ask }) => ask.priority === 'low');
    expect(low.map(Number).join('')).toBe('0001'.repeat(10));
  });
});

describe('nobody waits for ever', () => {
  it('a low request gets its place within four for each caller before it, though others always come', async () => {
    const engine = new Engine(2, 5_000, 1_000);
    const ask = { lanes: ['a'], serviceMs: 1_000, mostWaitMs: Number.POSITIVE_INFINITY } as const;
    await engine.take({ ...ask, priority: 'low', caller: 'x' });
    await engine.take({ ...ask, priority: 'low', caller: 'x' });
    const flood = async (): Promise<void> => {
      for (const who of ['x', 'y', 'z']) {
        await engine.take({ ...ask, priority: 'high', caller: who });
        await engine.take({ ...ask, priority: 'normal', caller: who });
        await engine.take({ ...ask, priority: 'low', caller: who === 'x' ? 'y' : who });
      }
    };
    await flood();
    const last = await engine.take({ ...ask, priority: 'low', caller: 'x' });
    for (let second = 0; second < 40 && last.ticket === null; second += 1) {
      await flood();
      await engine.until(engine.nowMs + 1_000);
    }
    const places = engine.begun.filter(({ ticket }) => ticket !== null && ticket.waitedMs > 0);
    const mine = places.filter(({ cameMs, ask: { caller: who } }) => who === 'x' && cameMs <= last.cameMs).length;
    expect(mine).toBeGreaterThan(0);
    // Five seconds of patience, then its turn comes in a fourth of two places a second that three callers share.
    expect(last.ticket?.waitedMs).toBeLessThanOrEqual(5_000 + (1 + mine) * 3 * 2_000);
  });

  it('a caller whose own higher requests run all the time is made good like any other', async () => {
    const engine = new Engine(2, 5_000, 1_000);
    const ask = { lanes: ['a'], serviceMs: 1_000, mostWaitMs: Number.POSITIVE_INFINITY } as const;
    for (let slot = 0; slot < 2; slot += 1) await engine.take({ ...ask, priority: 'high', caller: 'x' });
    const job = await engine.take({ ...ask, priority: 'low', caller: 'x' });
    for (let second = 0; second < 60 && job.ticket === null; second += 1) {
      for (let two = 0; two < 2; two += 1) {
        await engine.take({ ...ask, priority: 'high', caller: 'x' });
        await engine.take({ ...ask, priority: 'low', caller: 'y' });
      }
      await engine.until(engine.nowMs + 1_000);
    }
    expect(job.ticket?.waitedMs).toBeLessThanOrEqual(5_000 + 2 * 2_000);
  });

  it('two callers’ overtaken requests take turns, however many the one has', async () => {
    const engine = new Engine(1, 0, 1_000);
    const ask = { lanes: ['a'], serviceMs: 1_000, mostWaitMs: Number.POSITIVE_INFINITY } as const;
    await engine.take({ ...ask, priority: 'high', caller: 'z' });
    for (let job = 0; job < 20; job += 1) await engine.take({ ...ask, priority: 'low', caller: 'x' });
    for (let job = 0; job < 4; job += 1) await engine.take({ ...ask, priority: 'low', caller: 'y' });
    for (let second = 0; second < 32; second += 1) {
      await engine.take({ ...ask, priority: 'high', caller: 'z' });
      await engine.until(engine.nowMs + 1_000);
    }
    const lows = engine.begun.filter((job) => job.ask.priority === 'low').map((job) => job.ask.caller);
    expect(lows.join('')).toBe('xyxyxyxy');
  });
});
