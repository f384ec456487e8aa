import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  earlyDeathMs,
  failureWindowMs,
  healthyMs,
  initialRecord,
  mostFailures,
  quickRestartDelayMs,
  stopPatienceMs,
  transition,
  type EngineRecord,
  type Moment,
  type Step,
  type SupervisorEvent,
} from '../../../../electron/agent/engines/supervisor/transition.ts';

const at = (monotonicMs: number): Moment => ({ wallMs: 1_000_000 + monotonicMs, monotonicMs, random: 0.5 });

/** Runs events one after another; each is [time, event]. */
function walk(...events: readonly [number, SupervisorEvent][]): Step {
  let step: Step = { record: initialRecord(at(0)), effects: [] };
  for (const [time, event] of events) step = transition(step.record, event, at(time));
  return step;
}

const exit = (pid: number, code: number | null = 1, signal: string | null = null): SupervisorEvent => ({
  kind: 'exited',
  pid,
  code,
  signal,
  lastLines: ['the last line'],
});
const started: readonly [number, SupervisorEvent][] = [
  [0, { kind: 'start' }],
  [0, { kind: 'spawned', pid: 7 }],
];
const ready: readonly [number, SupervisorEvent][] = [...started, [10, { kind: 'ready', pid: 7 }]];

describe('transition', () => {
  it('starts: stopped, starting, loading, ready', () => {
    const start = walk([0, { kind: 'start' }]);
    expect(start.record.state.kind).toBe('starting');
    expect(start.effects).toContainEqual({ kind: 'spawn' });
    expect(walk(...started).record.state).toMatchObject({ kind: 'loading', pid: 7 });
    expect(walk(...ready).record.state).toMatchObject({ kind: 'ready', pid: 7 });
  });

  it('stops gently, and kills what does not stop', () => {
    const asked = walk(...ready, [20, { kind: 'stop' }]);
    expect(asked.record.state).toMatchObject({ kind: 'stopping', then: 'stopped' });
    expect(asked.effects).toEqual([
      { kind: 'end', pid: 7, how: 'gently' },
      { kind: 'set-timer', event: 'patience-over', delayMs: stopPatienceMs },
    ]);
    const impatient = walk(...ready, [20, { kind: 'stop' }], [20 + stopPatienceMs, { kind: 'patience-over' }]);
    expect(impatient.effects).toEqual([{ kind: 'end', pid: 7, how: 'now' }]);
    const stopped = walk(...ready, [20, { kind: 'stop' }], [30, exit(7, 0)]);
    expect(stopped.record.state.kind).toBe('stopped');
    expect(stopped.record.lastExit).toBeNull();
  });

  it('restarts by ending first and starting after the exit', () => {
    const asked = walk(...ready, [20, { kind: 'restart' }]);
    expect(asked.record.state).toMatchObject({ kind: 'stopping', then: 'starting' });
    const gone = transition(asked.record, exit(7, null, 'SIGTERM'), at(30));
    expect(gone.record.state.kind).toBe('starting');
    expect(gone.effects).toEqual([{ kind: 'clear-timers' }, { kind: 'spawn' }]);
  });

  it('a stop that comes during a restart wins, and a start during a stop wins', () => {
    expect(walk(...ready, [20, { kind: 'restart' }], [21, { kind: 'stop' }], [30, exit(7)]).record.state.kind).toBe(
      'stopped',
    );
    expect(walk(...ready, [20, { kind: 'stop' }], [21, { kind: 'start' }], [30, exit(7)]).record.state.kind).toBe(
      'starting',
    );
  });

  it('ignores what an earlier process still says', () => {
    expect(walk(...started, [1, { kind: 'ready', pid: 6 }]).record.state.kind).toBe('loading');
    expect(walk(...ready, [20, exit(6)]).record.state.kind).toBe('ready');
  });

  it('F1 a killed engine that was ready comes back almost at once, a second time after the backoff', () => {
    const killed = walk(...ready, [20, exit(7, null, 'SIGKILL')]);
    expect(killed.record.state).toMatchObject({ kind: 'backoff', delayMs: quickRestartDelayMs });
    expect(killed.record.failures).toEqual([]);
    expect(killed.record.lastExit).toMatchObject({ reason: 'ended by signal SIGKILL', lastLines: ['the last line'] });
    const again = walk(
      ...ready,
      [20, exit(7, null, 'SIGKILL')],
      [120, { kind: 'retry-due' }],
      [121, { kind: 'spawned', pid: 8 }],
      [130, { kind: 'ready', pid: 8 }],
      [140, exit(8, null, 'SIGKILL')],
    );
    expect(again.record.state).toMatchObject({ kind: 'backoff', delayMs: 1_000 });
    expect(again.record.restarts).toBe(1);
  });

  it('a crash soon after becoming ready counts, a late one does not', () => {
    expect(walk(...ready, [10 + earlyDeathMs - 1, exit(7, null, 'SIGSEGV')]).record.failures).toHaveLength(1);
    expect(walk(...ready, [10 + earlyDeathMs, exit(7, null, 'SIGSEGV')]).record.failures).toHaveLength(0);
  });

  it('a death before ready counts whatever the signal', () => {
    expect(walk(...started, [5, exit(7, null, 'SIGKILL')]).record.failures).toHaveLength(1);
  });

  it('F2 five deaths before ready within ten minutes: failed, with the last line and the delays doubling', () => {
    let record: EngineRecord = walk([0, { kind: 'start' }]).record;
    const delays: number[] = [];
    let time = 0;
    for (let pid = 1; pid <= mostFailures; pid += 1) {
      record = transition(record, { kind: 'spawned', pid }, at(time)).record;
      record = transition(record, exit(pid), at(time)).record;
      if (record.state.kind !== 'backoff') break;
      delays.push(record.state.delayMs);
      time += record.state.delayMs;
      record = transition(record, { kind: 'retry-due' }, at(time)).record;
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(record.state.kind).toBe('failed');
    expect(record.lastExit).toMatchObject({
      code: 1,
      reason: 'ended by itself with code 1',
      lastLines: ['the last line'],
    });
  });

  it('deaths that lie further apart than the window do not add up', () => {
    let record: EngineRecord = walk([0, { kind: 'start' }]).record;
    for (let pid = 1; pid <= 12; pid += 1) {
      const time = (pid * failureWindowMs) / 2;
      record = transition(record, { kind: 'spawned', pid }, at(time)).record;
      record = transition(record, exit(pid), at(time)).record;
      expect(record.state.kind).toBe('backoff');
      record = transition(record, { kind: 'retry-due' }, at(time)).record;
    }
  });

  it('ten healthy minutes forget earlier failures', () => {
    const once = walk(...started, [5, exit(7)], [1_005, { kind: 'retry-due' }], [1_006, { kind: 'spawned', pid: 8 }]);
    const healthy = transition(once.record, { kind: 'ready', pid: 8 }, at(1_010)).record;
    expect(healthy.streak).toBe(1);
    expect(transition(healthy, exit(8), at(1_010 + healthyMs)).record.streak).toBe(0);
  });

  it('a start by the operator forgets earlier failures', () => {
    const waiting = walk(...started, [5, exit(7)]);
    const asked = transition(waiting.record, { kind: 'start' }, at(10));
    expect(asked.record).toMatchObject({ state: { kind: 'starting' }, failures: [], streak: 0 });
    expect(asked.effects).toEqual([{ kind: 'clear-timers' }, { kind: 'spawn' }]);
  });

  it('a program that cannot be started counts like one that dies', () => {
    const step = walk([0, { kind: 'start' }], [0, { kind: 'spawn-failed', reason: 'spawn nowhere ENOENT' }]);
    expect(step.record.state.kind).toBe('backoff');
    expect(step.record.lastExit?.reason).toBe('spawn nowhere ENOENT');
  });

  it('whatever happens: never two processes, never a spawn while one runs, and a timer in every backoff', () => {
    const event = fc.oneof(
      fc.constantFrom<SupervisorEvent[]>(
        { kind: 'start' },
        { kind: 'stop' },
        { kind: 'restart' },
        { kind: 'retry-due' },
        { kind: 'patience-over' },
      ),
      fc.constantFrom('ready', 'exit', 'kill'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(700_000)), { maxLength: 60 }), (events) => {
        let record = initialRecord(at(0));
        let running: number | null = null;
        let nextPid = 1;
        let time = 0;
        for (const [chosen, pauseMs] of events) {
          time += pauseMs;
          let step: Step;
          if (typeof chosen !== 'string') step = transition(record, chosen, at(time));
          else if (running === null) continue;
          else if (chosen === 'ready') step = transition(record, { kind: 'ready', pid: running }, at(time));
          else {
            step = transition(record, exit(running, null, chosen === 'kill' ? 'SIGKILL' : 'SIGSEGV'), at(time));
            running = null;
          }
          record = step.record;
          if (step.effects.some((effect) => effect.kind === 'spawn')) {
            expect(running).toBeNull();
            running = nextPid;
            nextPid += 1;
            record = transition(record, { kind: 'spawned', pid: running }, at(time)).record;
          }
          if ('pid' in record.state) expect(record.state.pid).toBe(running);
          else expect(running).toBeNull();
          if (record.state.kind === 'backoff') {
            expect(record.state.delayMs).toBeLessThanOrEqual(72_000);
            expect(record.failures.length).toBeLessThan(mostFailures);
          }
        }
      }),
    );
  });
});
