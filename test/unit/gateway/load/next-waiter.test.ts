import { describe, expect, it } from 'vitest';
import { Line, type Standing, type Turn, type Waiting } from '../../../../electron/agent/gateway/load/next-waiter.ts';
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
/** When all who came at zero have waited long. */
const later: Standing = { ...still, nowMs: 30_000 };
const theirTurn: Standing = { ...later, overtakes: () => 3 };

function waiter(caller: string, priority: Priority = 'normal', sinceMs = 0, lane = 'a'): Waiting {
  return { ask: { lanes: [lane], caller, priority }, sinceMs };
}

function next(waiting: readonly Waiting[], standing: Standing, lane = 'a'): Turn<Waiting> | null {
  return new Line(waiting).take(lane, standing);
}

describe('the order among those who wait', () => {
  it('is by class, fewest running, longest unserved, first come', () => {
    const [low, first, second] = [waiter('x', 'low'), waiter('x'), waiter('y')];
    expect(next([low, first, second], still)?.waiter).toBe(first);
    expect(next([low, first, second], { ...still, lastServed: (who) => (who === 'x' ? 2 : 1) })?.waiter).toBe(second);
    expect(next([low, second, first], { ...still, running: (_, who) => (who === 'y' ? 1 : 0) })?.waiter).toBe(first);
    expect(next([low], still)?.waiter).toBe(low);
    expect(next([low], still, 'b')).toBeNull();
  });

  it('passes over those who wait for another lane, of the same caller too', () => {
    const [elsewhere, here] = [waiter('x', 'high', 0, 'b'), waiter('x', 'low')];
    expect(next([elsewhere, here], still)).toEqual({ waiter: here, kind: 'by-class' });
  });

  it('takes each out once', () => {
    const all = [waiter('x'), waiter('y'), waiter('x'), waiter('x', 'low')];
    const line = new Line(all);
    const taken = Array.from({ length: 5 }, () => line.take('a', still)?.waiter);
    expect(new Set(taken)).toEqual(new Set([...all, undefined]));
    expect(taken.slice(3)).toEqual([all[3], undefined]);
  });
});

describe('those who are overtaken', () => {
  const [low, high] = [waiter('x', 'low'), waiter('x', 'high', 29_000)];

  it('are nothing out of the ordinary until they have waited long', () => {
    expect(next([low, high], { ...theirTurn, nowMs: 29_999 })).toEqual({ waiter: high, kind: 'by-class' });
    expect(next([low, high], later)).toEqual({ waiter: high, kind: 'overtaking' });
  });

  it('have the place after three that went past them', () => {
    expect(next([low, high], { ...later, overtakes: () => 2 })).toEqual({ waiter: high, kind: 'overtaking' });
    expect(next([low, high], theirTurn)).toEqual({ waiter: low, kind: 'made-good' });
  });

  it('are none of the class whose turn it is, so that callers of one class share it as ever', () => {
    const [old, other] = [waiter('x'), waiter('y', 'normal', 29_000)];
    const served: Standing = { ...theirTurn, lastServed: (who) => (who === 'x' ? 1 : 0) };
    expect(next([old, other], served)).toEqual({ waiter: other, kind: 'by-class' });
  });

  it('take turns by caller, of any lower class, whatever runs of them; of each the first to come', () => {
    const [first, second, normal] = [waiter('x', 'low'), waiter('x', 'low'), waiter('y', 'normal')];
    const busy: Standing = { ...theirTurn, running: (_, who) => (who === 'x' ? 9 : 0), lastServed: () => 7 };
    expect(next([first, second, normal, high], busy)?.waiter).toBe(first);
    const had: Standing = { ...busy, lastMadeGood: (_, who) => (who === 'x' ? 5 : 0) };
    expect(next([first, second, normal, high], had)?.waiter).toBe(normal);
    expect(next([first, second, normal, high], { ...had, lastMadeGood: () => 5 })?.waiter).toBe(first);
  });
});
