import { backoffDelayMs, restartBackoff } from '../../base/backoff.ts';
import { assertNever } from '../../base/errors.ts';

/** When something happened, by both clocks, and the chance that spreads restarts. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** 0 ≤ x < 1. */
  readonly random: number;
}

interface Since {
  readonly since: Moment;
}

export type EngineState =
  | (Since & { readonly kind: 'stopped' })
  | (Since & { readonly kind: 'starting' })
  | (Since & { readonly kind: 'loading'; readonly pid: number })
  | (Since & { readonly kind: 'ready'; readonly pid: number })
  | (Since & { readonly kind: 'stopping'; readonly pid: number; readonly then: 'stopped' | 'starting' })
  | (Since & { readonly kind: 'backoff'; readonly delayMs: number })
  | (Since & { readonly kind: 'failed' });

/** How a process ended, or that it could not be started. */
export interface ExitRecord {
  readonly wallMs: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** In words, such as "ended by signal SIGKILL". */
  readonly reason: string;
  readonly lastLines: readonly string[];
}

/** All that the supervisor knows about an engine. */
export interface EngineRecord {
  readonly state: EngineState;
  /** Starts after the first one, by the supervisor itself. */
  readonly restarts: number;
  /** Monotonic times of the deaths that count, oldest first, none older than {@link failureWindowMs}. */
  readonly failures: readonly number[];
  /** Deaths that count since the engine last was healthy for long: decides the delay. */
  readonly streak: number;
  /** Monotonic time of the last restart that was made without delay. */
  readonly quickRestartMs: number | null;
  readonly lastExit: ExitRecord | null;
}

export type SupervisorEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'spawned'; readonly pid: number }
  | { readonly kind: 'spawn-failed'; readonly reason: string }
  | { readonly kind: 'ready'; readonly pid: number }
  | {
      readonly kind: 'exited';
      readonly pid: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly lastLines: readonly string[];
    }
  | { readonly kind: 'retry-due' }
  | { readonly kind: 'patience-over' };

export type SupervisorEffect =
  | { readonly kind: 'spawn' }
  | { readonly kind: 'end'; readonly pid: number; readonly how: 'gently' | 'now' }
  | { readonly kind: 'set-timer'; readonly event: 'retry-due' | 'patience-over'; readonly delayMs: number }
  | { readonly kind: 'clear-timers' };

export interface Step {
  readonly record: EngineRecord;
  readonly effects: readonly SupervisorEffect[];
}

/** This many deaths that count within the window, and the engine is given up. */
export const mostFailures = 5;
export const failureWindowMs = 10 * 60_000;
/** Ready for this long, the failures before are forgotten. */
export const healthyMs = 10 * 60_000;
/** A death this long after the engine became ready is no failure to start. */
export const earlyDeathMs = 30_000;
/** How long a process may take to end before it is killed. */
export const stopPatienceMs = 5_000;
/** Delay before the restart after a lone death: long enough for the port and the memory to be free again. */
export const quickRestartDelayMs = 100;
const quickRestartPauseMs = 60_000;

/** Signals that come from outside; all others say that the engine itself broke. */
const outsideSignals = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/** Where every engine begins. */
export function initialRecord(now: Moment): EngineRecord {
  return {
    state: { kind: 'stopped', since: now },
    restarts: 0,
    failures: [],
    streak: 0,
    quickRestartMs: null,
    lastExit: null,
  };
}

/** What an event makes of an engine, and what has to be done about it. Pure: all time and chance is in `now`. */
export function transition(record: EngineRecord, event: SupervisorEvent, now: Moment): Step {
  switch (event.kind) {
    case 'start':
      return onStart(record, now);
    case 'stop':
      return onStop(record, now);
    case 'restart':
      return onRestart(record, now);
    case 'spawned':
      return record.state.kind === 'starting'
        ? stay(inState(record, { kind: 'loading', since: now, pid: event.pid }))
        : stay(record);
    case 'spawn-failed':
      if (record.state.kind !== 'starting') return stay(record);
      return afterDeath(record, { code: null, signal: null, reason: event.reason, lastLines: [] }, true, now);
    case 'ready':
      return record.state.kind === 'loading' && record.state.pid === event.pid
        ? stay(inState(record, { kind: 'ready', since: now, pid: event.pid }))
        : stay(record);
    case 'exited':
      return onExit(record, event, now);
    case 'retry-due':
      return record.state.kind === 'backoff'
        ? starting({ ...record, restarts: record.restarts + 1 }, now)
        : stay(record);
    case 'patience-over':
      return record.state.kind === 'stopping'
        ? { record, effects: [{ kind: 'end', pid: record.state.pid, how: 'now' }] }
        : stay(record);
    default:
      return assertNever(event);
  }
}

function onStart(record: EngineRecord, now: Moment): Step {
  const { state } = record;
  switch (state.kind) {
    case 'stopped':
    case 'failed':
    case 'backoff':
      return starting(forgiven(record), now);
    case 'stopping':
      return stay(inState(record, { ...state, then: 'starting' }));
    case 'starting':
    case 'loading':
    case 'ready':
      return stay(record);
    default:
      return assertNever(state);
  }
}

function onStop(record: EngineRecord, now: Moment): Step {
  const { state } = record;
  switch (state.kind) {
    case 'stopped':
      return stay(record);
    case 'starting':
    case 'backoff':
    case 'failed':
      return { record: inState(record, { kind: 'stopped', since: now }), effects: [{ kind: 'clear-timers' }] };
    case 'loading':
    case 'ready':
      return ending(record, state.pid, 'stopped', now);
    case 'stopping':
      return stay(inState(record, { ...state, then: 'stopped' }));
    default:
      return assertNever(state);
  }
}

function onRestart(record: EngineRecord, now: Moment): Step {
  const { state } = record;
  if (state.kind === 'loading' || state.kind === 'ready') return ending(forgiven(record), state.pid, 'starting', now);
  return onStart(record, now);
}

function onExit(record: EngineRecord, event: Extract<SupervisorEvent, { kind: 'exited' }>, now: Moment): Step {
  const { state } = record;
  if (!('pid' in state) || state.pid !== event.pid) return stay(record);
  const exit = { code: event.code, signal: event.signal, reason: reasonOf(event), lastLines: event.lastLines };
  switch (state.kind) {
    case 'stopping': {
      if (state.then === 'starting') return starting(record, now, [{ kind: 'clear-timers' }]);
      return { record: inState(record, { kind: 'stopped', since: now }), effects: [{ kind: 'clear-timers' }] };
    }
    case 'loading':
      return afterDeath(record, exit, true, now);
    case 'ready': {
      const readyForMs = now.monotonicMs - state.since.monotonicMs;
      const fromOutside = event.signal !== null && outsideSignals.has(event.signal);
      const forgotten = readyForMs >= healthyMs ? { ...record, failures: [], streak: 0 } : record;
      return afterDeath(forgotten, exit, readyForMs < earlyDeathMs && !fromOutside, now);
    }
    default:
      return assertNever(state);
  }
}

/** `counts`: whether this death is one of those that lead to giving up. */
function afterDeath(record: EngineRecord, exit: Omit<ExitRecord, 'wallMs'>, counts: boolean, now: Moment): Step {
  const lastExit: ExitRecord = { ...exit, wallMs: now.wallMs };
  const recent = record.failures.filter((failedMs) => now.monotonicMs - failedMs < failureWindowMs);
  const failures = counts ? [...recent, now.monotonicMs] : recent;
  const streak = counts ? record.streak + 1 : record.streak;
  if (failures.length >= mostFailures) {
    return stay({ ...record, lastExit, failures, streak, state: { kind: 'failed', since: now } });
  }
  // Callers wait for an engine that died once: bring it back at once. A second death soon after gets the full delay.
  const lone = !counts && !isRecent(record.quickRestartMs, now);
  const delayMs = lone ? quickRestartDelayMs : backoffDelayMs(Math.max(streak, 1), now.random, restartBackoff);
  return {
    record: {
      ...record,
      lastExit,
      failures,
      streak,
      quickRestartMs: lone ? now.monotonicMs : record.quickRestartMs,
      state: { kind: 'backoff', since: now, delayMs },
    },
    effects: [{ kind: 'set-timer', event: 'retry-due', delayMs }],
  };
}

function isRecent(monotonicMs: number | null, now: Moment): boolean {
  return monotonicMs !== null && now.monotonicMs - monotonicMs < quickRestartPauseMs;
}

function starting(
  record: EngineRecord,
  now: Moment,
  before: readonly SupervisorEffect[] = [{ kind: 'clear-timers' }],
): Step {
  return { record: inState(record, { kind: 'starting', since: now }), effects: [...before, { kind: 'spawn' }] };
}

function ending(record: EngineRecord, pid: number, then: 'stopped' | 'starting', now: Moment): Step {
  return {
    record: inState(record, { kind: 'stopping', since: now, pid, then }),
    effects: [
      { kind: 'end', pid, how: 'gently' },
      { kind: 'set-timer', event: 'patience-over', delayMs: stopPatienceMs },
    ],
  };
}

/** The operator asked for it: what went wrong before no longer counts. */
function forgiven(record: EngineRecord): EngineRecord {
  return { ...record, failures: [], streak: 0, quickRestartMs: null };
}

function inState(record: EngineRecord, state: EngineState): EngineRecord {
  return { ...record, state };
}

function stay(record: EngineRecord): Step {
  return { record, effects: [] };
}

function reasonOf({ code, signal }: { code: number | null; signal: string | null }): string {
  if (signal !== null) return `ended by signal ${signal}`;
  return code === null ? 'ended for an unknown reason' : `ended by itself with code ${code}`;
}
