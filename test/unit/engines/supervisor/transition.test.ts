import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  earlyDeathMs,
  failureWindowMs,
  healthyMs,
  initialRecord,
  loadingPatienceMs,
  mostFailures,
  mostOutsideKills,
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
      { kind: 'clear-timers' },
      { kind: 'end', pid: 7, how: 'gently' },
      { kind: 'set-timer', event: 'patience-over', delayMs: stopPatienceMs },
    ]);
    const impatient = walk(...ready, [20, { kind: 'stop' }], [20 + stopPatienceMs, { kind: 'patience-over' }]);
    expect(impatient.effects).toEqual([{ kind: 'end', pid: 7, how: 'now' }]);
    const stopped = walk(...ready, [20, { kind: 'stop' }], [30, exit(7, 0)]);
    expect(stopped.record.state.kind).toBe('stopped');
    expect(stopped.record.lastExit).toBeNull();
  });

  it('has less patience with one that loads: no answer is lost', () => {
    expect(walk(...started, [20, { kind: 'stop' }]).effects).toContainEqual({
      kind: 'set-timer',
      event: 'patience-over',
      delayMs: loadingPatienceMs,
    });
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
    expect(killed.record.lastExit).toMatchObject({
      reason: 'ended by signal SIGKILL (killed from outside)',
      lastLines: ['the last line'],
    });
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

  /** Runs the engine up and kills it, time after time; resolves with every state that followed. */
  function killedAgainAndAgain(times: number, readyForMs: number, signal = 'SIGKILL'): EngineRecord[] {
    let record: EngineRecord = walk([0, { kind: 'start' }]).record;
    const after: EngineRecord[] = [];
    let time = 0;
    for (let pid = 1; pid <= times && record.state.kind === 'starting'; pid += 1) {
      record = transition(record, { kind: 'spawned', pid }, at(time)).record;
      record = transition(record, { kind: 'ready', pid }, at(time)).record;
      time += readyForMs;
      record = transition(record, exit(pid, null, signal), at(time)).record;
      after.push(record);
      if (record.state.kind !== 'backoff') break;
      time += record.state.delayMs;
      record = transition(record, { kind: 'retry-due' }, at(time)).record;
    }
    return after;
  }

  it('F11 something keeps killing our engine: the third time within ten minutes is a conflict, and no war', () => {
    for (const signal of ['SIGKILL', 'SIGTERM']) {
      const kinds = killedAgainAndAgain(10, 5_000, signal);
      expect(kinds.map(({ state }) => state.kind)).toEqual(['backoff', 'backoff', 'conflict']);
      const [last] = kinds.slice(-1);
      if (!last) throw new Error('nothing happened');
      // Nothing starts it but the operator.
      expect(transition(last, { kind: 'retry-due' }, at(1e9)).effects).toEqual([]);
      expect(transition(last, { kind: 'start' }, at(1e9))).toMatchObject({
        record: { state: { kind: 'starting' }, outsideKills: [] },
        effects: [{ kind: 'clear-timers' }, { kind: 'spawn' }],
      });
    }
  });

  it('F11 kills before it is ready count too, and are no failures of the engine itself', () => {
    const killed = walk(...started, [5, exit(7, null, 'SIGKILL')]).record;
    expect(killed).toMatchObject({ failures: [], outsideKills: [5], state: { kind: 'backoff' } });
  });

  it('F1 killed ten times, each time half a minute after it was ready: it always comes back', () => {
    const kinds = killedAgainAndAgain(10, earlyDeathMs);
    expect(kinds.map(({ state }) => state.kind)).toEqual(Array.from({ length: 10 }, () => 'backoff'));
    for (const { state } of kinds)
      expect(state).toMatchObject({ delayMs: expect.toSatisfy((ms) => ms <= 1_200) as number });
  });

  it('F11 kills that lie further apart than the window do not add up', () => {
    const kinds = killedAgainAndAgain(8, 5_000).length;
    expect(kinds).toBe(3);
    let record: EngineRecord = walk([0, { kind: 'start' }]).record;
    for (let pid = 1; pid <= 8; pid += 1) {
      const time = (pid * failureWindowMs) / 2 + pid;
      record = transition(record, { kind: 'spawned', pid }, at(time)).record;
      record = transition(record, exit(pid, null, 'SIGKILL'), at(time)).record;
      expect(record.state.kind).toBe('backoff');
      record = transition(record, { kind: 'retry-due' }, at(time)).record;
    }
  });

  const killedForMemory = (pid: number): SupervisorEvent => ({
    kind: 'exited',
    pid,
    code: null,
    signal: 'SIGKILL',
    lastLines: ['loading tensors'],
    killedForMemory: true,
  });

  it('F12 killed for memory while loading: named so, failed at once, no reload loop', () => {
    const { record, effects } = walk(...started, [5, killedForMemory(7)]);
    expect(record).toMatchObject({
      state: { kind: 'failed', cause: 'memory' },
      outsideKills: [],
      lastExit: { reason: 'was killed by the system because memory ran out', lastLines: ['loading tensors'] },
    });
    expect(effects).toEqual([{ kind: 'clear-timers' }]);
    expect(transition(record, { kind: 'retry-due' }, at(100_000)).effects).toEqual([]);
  });

  it('F12 its own last words say that memory ran out: the same', () => {
    const lastLines = ['ggml_aligned_malloc: failed to allocate 9 MB', 'exiting'];
    const event: SupervisorEvent = { kind: 'exited', pid: 7, code: 1, signal: null, lastLines };
    expect(walk(...started, [5, event]).record.state).toMatchObject({ kind: 'failed', cause: 'memory' });
  });

  it('F12 killed for memory while ready: one more try after the backoff, then failed', () => {
    const once = walk(...ready, [90_000, killedForMemory(7)]);
    expect(once.record.state).toMatchObject({ kind: 'backoff', delayMs: 1_000 });
    const again = (timeMs: number): EngineRecord => {
      let record = transition(once.record, { kind: 'retry-due' }, at(91_000)).record;
      record = transition(record, { kind: 'spawned', pid: 8 }, at(91_000)).record;
      record = transition(record, { kind: 'ready', pid: 8 }, at(92_000)).record;
      return transition(record, killedForMemory(8), at(timeMs)).record;
    };
    expect(again(200_000).state).toMatchObject({ kind: 'failed', cause: 'memory' });
    expect(again(92_000 + healthyMs).state.kind).toBe('backoff');
  });

  it('F3 it makes no progress: asked to end, killed after its patience, then back after the backoff with the cause', () => {
    const wedge: SupervisorEvent = { kind: 'wedged', pid: 7, reason: 'made no progress for 120 s' };
    const asked = walk(...ready, [200_000, wedge]);
    expect(asked.record.state).toMatchObject({
      kind: 'stopping',
      then: 'backoff',
      cause: 'made no progress for 120 s',
    });
    expect(asked.effects).toEqual([
      { kind: 'clear-timers' },
      { kind: 'end', pid: 7, how: 'gently' },
      { kind: 'set-timer', event: 'patience-over', delayMs: stopPatienceMs },
    ]);
    const deaf = transition(asked.record, { kind: 'patience-over' }, at(205_000));
    expect(deaf.effects).toEqual([{ kind: 'end', pid: 7, how: 'now' }]);
    const gone = transition(deaf.record, exit(7, null, 'SIGKILL'), at(205_001));
    expect(gone.record).toMatchObject({
      state: { kind: 'backoff', delayMs: 1_000 },
      lastExit: { reason: 'made no progress for 120 s', signal: 'SIGKILL' },
      outsideKills: [],
      failures: [],
    });
    // The operator's word counts while it ends.
    expect(transition(asked.record, { kind: 'stop' }, at(201_000)).record.state).toMatchObject({ then: 'stopped' });
    expect(transition(asked.record, { kind: 'start' }, at(201_000)).record.state).toMatchObject({ then: 'starting' });
    // What is said of an earlier process is not held against this one.
    expect(walk(...ready, [200_000, { ...wedge, pid: 6 }]).record.state.kind).toBe('ready');
  });

  it('F13 a load is ended at its own deadline only, and counts then', () => {
    const loading = walk([0, { kind: 'start' }], [0, { kind: 'spawned', pid: 7, loadDeadlineMs: 900_000 }]);
    expect(loading.effects).toEqual([{ kind: 'set-timer', event: 'load-overdue', delayMs: 900_000 }]);
    const ended = transition(loading.record, { kind: 'load-overdue' }, at(900_000));
    expect(ended.record.state).toMatchObject({ then: 'backoff', cause: 'did not become ready within 15 min' });
    expect(transition(ended.record, exit(7, null, 'SIGTERM'), at(900_100)).record.failures).toHaveLength(1);
    // Ready in time: the timer is gone, and one that comes late changes nothing.
    const done = transition(loading.record, { kind: 'ready', pid: 7 }, at(480_000));
    expect(done.effects).toEqual([{ kind: 'clear-timers' }]);
    expect(transition(done.record, { kind: 'load-overdue' }, at(900_000)).record).toBe(done.record);
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
        { kind: 'load-overdue' },
      ),
      fc.constantFrom('ready', 'exit', 'kill', 'kill for memory', 'wedge'),
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
          else if (chosen === 'wedge')
            step = transition(record, { kind: 'wedged', pid: running, reason: 'hangs' }, at(time));
          else if (chosen === 'kill for memory') {
            step = transition(record, killedForMemory(running), at(time));
            running = null;
          } else {
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
            expect(record.outsideKills.length).toBeLessThan(mostOutsideKills);
          }
        }
      }),
    );
  });
});
