import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../../electron/agent/engines/engine-snapshot.ts';
import {
  initialRecord,
  transition,
  type EngineRecord,
  type Moment,
  type SupervisorEvent,
} from '../../../electron/agent/engines/supervisor/transition.ts';

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

  /** The record after these events, a second apart. */
  function after(...events: readonly SupervisorEvent[]): EngineRecord {
    return events.reduce(
      (record, event, index) => transition(record, event, at(index * 1_000)).record,
      initialRecord(at(0)),
    );
  }
  const killed = (pid: number): SupervisorEvent => ({
    kind: 'exited',
    pid,
    code: null,
    signal: 'SIGKILL',
    lastLines: [],
  });

  it('F12 says of a kill for memory what to do about it', () => {
    const record = after(
      { kind: 'start' },
      { kind: 'spawned', pid: 7 },
      {
        kind: 'exited',
        pid: 7,
        code: null,
        signal: 'SIGKILL',
        lastLines: ['loading'],
        killedForMemory: true,
      },
    );
    expect(snapshotOf(record)).toMatchObject({
      state: 'failed',
      sentence:
        'The engine was killed by the system because memory ran out. Choose a smaller model, a smaller quantization or a shorter context, then start it again.',
      lastExit: { signal: 'SIGKILL', lastLines: ['loading'] },
    });
  });

  it('F2 quotes no more than the beginning of a last line, however long', () => {
    const death = (pid: number): SupervisorEvent[] => [
      { kind: 'spawned', pid },
      { kind: 'exited', pid, code: 1, signal: null, lastLines: ['x'.repeat(60_000)] },
      { kind: 'retry-due' },
    ];
    const shown = snapshotOf(after({ kind: 'start' }, ...[1, 2, 3, 4, 5].flatMap(death)));
    expect(shown).toMatchObject({
      state: 'failed',
      sentence: expect.stringMatching(/Its last line: x{300}$/) as string,
    });
  });

  it('F11 says that something else ends the engine', () => {
    const round = (pid: number): SupervisorEvent[] => [{ kind: 'spawned', pid }, killed(pid), { kind: 'retry-due' }];
    const shown = snapshotOf(after({ kind: 'start' }, ...round(7), ...round(8), ...round(9)));
    expect(shown).toMatchObject({ state: 'conflict', pid: null, nextTryAt: null });
    expect(shown.sentence).toContain('Something else ended the engine 3 times within 10 minutes');
  });

  it('F3 says that a hung engine is being replaced', () => {
    const record = after(
      { kind: 'start' },
      { kind: 'spawned', pid: 7 },
      { kind: 'ready', pid: 7 },
      {
        kind: 'wedged',
        pid: 7,
        reason: 'made no progress for 120 s',
      },
    );
    expect(snapshotOf(record)).toMatchObject({
      state: 'stopping',
      sentence: 'The engine made no progress for 120 s. It is ended, then it starts again.',
    });
  });
});
