import { describe, expect, it } from 'vitest';
import {
  atTime,
  longestBusyMs,
  nextCondition,
  well,
  type Condition,
  type ProviderEvent,
} from '../../../../electron/agent/cloud/providers/condition.ts';

const after = (events: readonly ProviderEvent[], nowMs = 1_000): Condition => {
  let state = well;
  for (const event of events) state = nextCondition(state, event, nowMs);
  return state;
};
const answered: ProviderEvent = { kind: 'answered', fullForMs: null };
const failed: ProviderEvent = { kind: 'failed', weight: 1, what: 'status 500' };

describe('the condition of a provider', () => {
  it('F30 is busy for as long as it asked, and the longer of two wishes holds', () => {
    const busy = after([
      { kind: 'busy', forMs: 5_000 },
      { kind: 'busy', forMs: 1_000 },
    ]);
    expect(busy).toEqual({ kind: 'busy', untilMs: 6_000 });
    expect(atTime(busy, 5_999)).toBe(busy);
    expect(atTime(busy, 6_000)).toBe(well);
  });

  it('F30 an answer to an older request clears nothing that is still going on', () => {
    for (const event of [
      { kind: 'busy', forMs: 5_000 },
      { kind: 'out-of-money', forMs: 5_000 },
      { kind: 'unauthorised', status: 401 },
    ] as const) {
      expect(after([event, answered, failed]).kind).toBe(event.kind);
    }
  });

  it('is busy before it refuses, when an answer tells that nothing is left', () => {
    expect(after([{ kind: 'answered', fullForMs: 3_000 }])).toEqual({ kind: 'busy', untilMs: 4_000 });
  });

  it('F30 a wait of hours is a quota that is used up, and not a crowd', () => {
    const state = after([{ kind: 'busy', forMs: longestBusyMs + 1 }]);
    expect(state).toEqual({ kind: 'out-of-money', untilMs: 1_000 + longestBusyMs + 1 });
  });

  it('F30 without a date it is out of money for an hour', () => {
    expect(after([{ kind: 'out-of-money', forMs: null }])).toEqual({ kind: 'out-of-money', untilMs: 3_601_000 });
  });

  it('F30 a refused key outlasts everything but another key', () => {
    const refused: ProviderEvent = { kind: 'unauthorised', status: 401 };
    const state = after([refused, { kind: 'busy', forMs: 1 }, { kind: 'out-of-money', forMs: 1 }, answered]);
    expect(atTime(state, 1e12)).toEqual({ kind: 'unauthorised', status: 401 });
    expect(nextCondition(state, { kind: 'renewed' }, 2_000)).toBe(well);
  });

  it('counts failures in a row, and one answer ends the row', () => {
    expect(after([failed, failed])).toEqual({ kind: 'well', failures: 2, last: 'status 500' });
    expect(after([failed, failed, answered])).toBe(well);
  });

  it('is well once its time is over, and counts anew', () => {
    const busy = after([{ kind: 'busy', forMs: 10 }]);
    expect(nextCondition(busy, failed, 2_000)).toEqual({ kind: 'well', failures: 1, last: 'status 500' });
  });
});
