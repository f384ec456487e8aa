import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../../electron/agent/engines/engine-snapshot.ts';
import { initialRecord, transition, type Moment } from '../../../electron/agent/engines/supervisor/transition.ts';

const at = (monotonicMs: number): Moment => ({ wallMs: Date.UTC(2026, 0, 1) + monotonicMs, monotonicMs, random: 0.5 });

describe('snapshotOf', () => {
  it('says in a backoff why the engine ended and when it starts again', () => {
    let { record } = transition(initialRecord(at(0)), { kind: 'start' }, at(0));
    ({ record } = transition(record, { kind: 'spawned', pid: 7 }, at(0)));
    expect(snapshotOf(record)).toMatchObject({ state: 'loading', pid: 7, readyAt: null });
    ({ record } = transition(
      record,
      { kind: 'exited', pid: 7, code: 2, signal: null, lastLines: ['no memory'] },
      at(500),
    ));
    expect(snapshotOf(record)).toEqual({
      state: 'backoff',
      since: '2026-01-01T00:00:00.500Z',
      sentence: 'The engine ended by itself with code 2. It starts again in 1 s.',
      pid: null,
      readyAt: null,
      restarts: 0,
      lastExit: {
        at: '2026-01-01T00:00:00.500Z',
        code: 2,
        signal: null,
        reason: 'ended by itself with code 2',
        lastLines: ['no memory'],
      },
      nextTryAt: '2026-01-01T00:00:01.500Z',
    });
  });
});
