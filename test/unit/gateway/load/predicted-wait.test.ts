import { describe, expect, it } from 'vitest';
import type { Standing } from '../../../../electron/agent/gateway/load/next-waiter.ts';
import {
  predictedWait,
  type LaneOutlook,
  type WaitingWork,
} from '../../../../electron/agent/gateway/load/predicted-wait.ts';
import type { Priority } from '../../../../electron/contract/routing.ts';

const still: Standing = {
  nowMs: 0,
  patienceMs: 30_000,
  places: 0,
  running: () => 0,
  lastServed: () => 0,
  overtakes: () => 0,
  lastMadeGood: () => 0,
};

function lane(slots: number, remainingMs: number[], stretch = 1, spread = 0): LaneOutlook {
  const running = remainingMs.map((ms) => ({ caller: 'x', ms, offMs: ms * spread }));
  return { slots, running, stretch, spread: () => spread };
}

function work(serviceMs: number, priority: Priority = 'normal', caller = 'x'): WaitingWork {
  return { ask: { lanes: ['a'], caller, priority, serviceMs }, sinceMs: 0 };
}

function predict(seen: LaneOutlook, waiting: readonly WaitingWork[], priority: Priority = 'normal', standing = still) {
  const newcomer = { ask: { lanes: ['a'] as const, caller: 'x', priority }, sinceMs: standing.nowMs };
  return predictedWait(newcomer, waiting, standing, () => seen);
}

describe('predictedWait', () => {
  it.each([
    [lane(2, [500]), [], 0],
    [lane(2, [500, 800]), [], 500],
    [lane(2, [500, 800]), [1_000], 800],
    [lane(2, [500, 800]), [1_000, 1_000], 1_500],
    [lane(1, [500, 800, 900]), [], 900],
    [lane(2, [500, 800, 900]), [], 800],
    [lane(1, [500], 2), [1_000], 2_500],
  ])('%j behind %j is %d ms', (seen, ahead, waitMs) => {
    const found = predict(
      seen,
      ahead.map((serviceMs) => work(serviceMs)),
    );
    // Where nothing is ever off, the most is what is expected.
    expect(found).toEqual({ waitMs, mostMs: waitMs });
  });

  it('is as uncertain as the one that has to end, and evens out behind many', () => {
    const few = predict(lane(1, [1_000], 1, 0.5), []);
    expect(few).toEqual({ waitMs: 1_000, mostMs: 1_500 });
    const many = predict(
      lane(4, [1_000, 1_000, 1_000, 1_000], 1, 0.5),
      Array.from({ length: 36 }, () => work(1_000)),
    );
    expect(many.waitMs).toBe(10_000);
    expect(many.mostMs).toBeGreaterThan(11_000);
    expect(many.mostMs).toBeLessThan(13_000);
  });

  it('is behind all of a higher class and none of a lower one', () => {
    const waiting = [work(7_000, 'low'), work(500, 'high')];
    expect(predict(lane(1, [1_000]), waiting).waitMs).toBe(1_500);
  });

  it('is no longer for a backlog that has waited long, but for the one place that is due to it', () => {
    const backlog = Array.from({ length: 40 }, () => work(10_000, 'low'));
    const late: Standing = { ...still, nowMs: 60_000 };
    expect(predict(lane(1, [1_000]), backlog, 'normal', late).waitMs).toBe(1_000);
    expect(predict(lane(1, [1_000]), backlog, 'normal', { ...late, overtakes: () => 3 }).waitMs).toBe(11_000);
    const three = Array.from({ length: 3 }, () => work(500, 'high'));
    expect(predict(lane(1, [1_000]), [...backlog, ...three], 'normal', late).waitMs).toBe(12_500);
  });

  it('counts those who will have waited long by then, and the newcomer among them', () => {
    const highs = Array.from({ length: 40 }, () => work(10_000, 'high'));
    // At 1 s, 11 s and 21 s nobody has waited long, at 31, 41 and 51 s one is overtaken, and at 61 s it is its turn.
    expect(predict(lane(1, [1_000]), highs, 'low').waitMs).toBe(61_000);
    expect(predict(lane(1, [1_000]), [work(5_000, 'low'), ...highs], 'low').waitMs).toBe(96_000);
  });

  it('sees who takes the other lanes of those ahead', () => {
    const both: WaitingWork = {
      sinceMs: 0,
      ask: { lanes: ['a', 'b'], caller: 'x', priority: 'normal', serviceMs: 50 },
    };
    const other: WaitingWork = { ...both, ask: { ...both.ask, lanes: ['b'] } };
    const newcomer = { ask: { lanes: ['a'] as const, caller: 'x', priority: 'normal' as const }, sinceMs: 0 };
    const wait = (waiting: readonly WaitingWork[]): number =>
      predictedWait(newcomer, waiting, still, (name) => lane(1, [name === 'a' ? 100 : 20])).waitMs;
    expect(wait([both])).toBe(100);
    // Somebody else has that place first; then it comes free again before ours does.
    expect(wait([other, both])).toBe(100);
    expect(wait([other, other, both])).toBe(150);
  });
});
