import { backoffDelayMs, restartBackoff } from '../../base/backoff.ts';
import { assertNever } from '../../base/errors.ts';
import { endedFromOutside, memoryDeath, reasonOf } from './exit-words.ts';

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
  | (Since & {
      readonly kind: 'stopping';
      readonly pid: number;
      /** It hangs: it is ended because of `cause` and starts again after the backoff. */
      readonly then: 'backoff';
      /** In words that follow "The engine …". */
      readonly cause: string;
      /** Whether it counts as one of the failures to start. */
      readonly counts: boolean;
    })
  | (Since & { readonly kind: 'backoff'; readonly delayMs: number })
  /** Given up after too many failures to start, or because memory ran out. */
  | (Since & { readonly kind: 'failed'; readonly cause: 'deaths' | 'memory' })
  /** Something else keeps ending it: not started again, so that the two do not fight. */
  | (Since & { readonly kind: 'conflict' });

/** How a process ended, or that it could not be started. */
export interface ExitRecord {
  readonly wallMs: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** In words that follow "The engine …". */
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
  /** Monotonic times of {@link onExit deaths by a signal from outside} that count, none older than the window. */
  readonly outsideKills: readonly number[];
  /** Monotonic time of the last death while ready for want of memory. */
  readonly memoryDeathMs: number | null;
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
  /** `loadDeadlineMs`: how long it may take to become ready; null or left out: for ever. */
  | { readonly kind: 'spawned'; readonly pid: number; readonly loadDeadlineMs?: number | null }
  | { readonly kind: 'spawn-failed'; readonly reason: string }
  | { readonly kind: 'ready'; readonly pid: number }
  /** It lives and does not move; `reason` follows "The engine …", such as "made no progress for 120 s". */
  | { readonly kind: 'wedged'; readonly pid: number; readonly reason: string }
  | {
      readonly kind: 'exited';
      readonly pid: number;
      readonly code: number | null;
      readonly signal: string | null;
      readonly lastLines: readonly string[];
      /** Whether the system killed a program for memory while this one ran. Left out: it did not, or does not tell. */
      readonly killedForMemory?: boolean;
    }
  | { readonly kind: 'retry-due' }
  | { readonly kind: 'patience-over' }
  | { readonly kind: 'load-overdue' };

export type TimerEvent = 'retry-due' | 'patience-over' | 'load-overdue';

export type SupervisorEffect =
  | { readonly kind: 'spawn' }
  | { readonly kind: 'end'; readonly pid: number; readonly how: 'gently' | 'now' }
  | { readonly kind: 'set-timer'; readonly event: TimerEvent; readonly delayMs: number }
  | { readonly kind: 'clear-timers' };

export interface Step {
  readonly record: EngineRecord;
  readonly effects: readonly SupervisorEffect[];
}

/** This many deaths that count within the window, and the engine is given up. */
export const mostFailures = 5;
export const failureWindowMs = 10 * 60_000;
/** This many deaths by a signal from outside within the window, and it is left alone. */
export const mostOutsideKills = 3;
/** Ready for this long, the failures before are forgotten. */
export const healthyMs = 10 * 60_000;
/** A death this long after the engine became ready is no failure to start. */
export const earlyDeathMs = 30_000;
/** How long a process may take to end before it is killed. */
export const stopPatienceMs = 5_000;
/** The same while it loads: it has no answer to finish, and some programs are deaf until they have loaded. */
export const loadingPatienceMs = 1_000;
/** Delay before the restart after a lone death: long enough for the port and the memory to be free again. */
export const quickRestartDelayMs = 100;
const quickRestartPauseMs = 60_000;

/** Where every engine begins. */
export function initialRecord(now: Moment): EngineRecord {
  return {
    state: { kind: 'stopped', since: now },
    restarts: 0,
    failures: [],
    outsideKills: [],
    memoryDeathMs: null,
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
      return onSpawned(record, event, now);
    case 'spawn-failed':
      if (record.state.kind !== 'starting') return stay(record);
      return afterDeath(
        record,
        { code: null, signal: null, reason: event.reason, lastLines: [] },
        { counts: true },
        now,
      );
    case 'ready':
      return record.state.kind === 'loading' && record.state.pid === event.pid
        ? {
            record: inState(record, { kind: 'ready', since: now, pid: event.pid }),
            effects: [{ kind: 'clear-timers' }],
          }
        : stay(record);
    case 'wedged':
      return onWedged(record, event.pid, event.reason, now);
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
    case 'load-overdue': {
      if (record.state.kind !== 'loading') return stay(record);
      const minutes = Math.round((now.monotonicMs - record.state.since.monotonicMs) / 60_000);
      return onWedged(record, record.state.pid, `did not become ready within ${minutes} min`, now);
    }
    default:
      return assertNever(event);
  }
}

function onStart(record: EngineRecord, now: Moment): Step {
  const { state } = record;
  switch (state.kind) {
    case 'stopped':
    case 'failed':
    case 'conflict':
    case 'backoff':
      return starting(forgiven(record), now);
    case 'stopping':
      return stay(inState(record, { kind: 'stopping', since: state.since, pid: state.pid, then: 'starting' }));
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
    case 'conflict':
      return { record: inState(record, { kind: 'stopped', since: now }), effects: [{ kind: 'clear-timers' }] };
    case 'loading':
    case 'ready':
      return ending(record, state.pid, 'stopped', now);
    case 'stopping':
      return stay(inState(record, { kind: 'stopping', since: state.since, pid: state.pid, then: 'stopped' }));
    default:
      return assertNever(state);
  }
}

function onRestart(record: EngineRecord, now: Moment): Step {
  const { state } = record;
  if (state.kind === 'loading' || state.kind === 'ready') return ending(forgiven(record), state.pid, 'starting', now);
  return onStart(record, now);
}

function onSpawned(record: EngineRecord, event: Extract<SupervisorEvent, { kind: 'spawned' }>, now: Moment): Step {
  if (record.state.kind !== 'starting') return stay(record);
  const { pid, loadDeadlineMs = null } = event;
  return {
    record: inState(record, { kind: 'loading', since: now, pid }),
    effects: loadDeadlineMs === null ? [] : [{ kind: 'set-timer', event: 'load-overdue', delayMs: loadDeadlineMs }],
  };
}

/** A process that hangs is asked to end, then killed, then replaced. */
function onWedged(record: EngineRecord, pid: number, cause: string, now: Moment): Step {
  const { state } = record;
  if ((state.kind !== 'loading' && state.kind !== 'ready') || state.pid !== pid) return stay(record);
  const counts = state.kind === 'loading' || now.monotonicMs - state.since.monotonicMs < earlyDeathMs;
  return {
    record: inState(record, { kind: 'stopping', since: now, pid, then: 'backoff', cause, counts }),
    effects: [{ kind: 'clear-timers' }, ...endingEffects(pid)],
  };
}

/**
 * What a death leads to:
 * - for want of memory: while loading `failed` at once, for the next load would end alike; while ready one more try
 *   after the backoff, and `failed` if that ends so too within the window
 * - by a signal from outside before it was ready or soon after: counts for {@link mostOutsideKills}, after which it is
 *   left alone. Only these show a fight: what minds our process (another supervisor, a watchdog) strikes as soon as it
 *   sees it. A kill of one that has served for a while is a single event, and it is brought back however often that
 *   happens.
 * - by itself before it was ready or soon after: counts for {@link mostFailures}
 * - by itself later: is brought back at once
 */
function onExit(record: EngineRecord, event: Extract<SupervisorEvent, { kind: 'exited' }>, now: Moment): Step {
  const { state } = record;
  if (!('pid' in state) || state.pid !== event.pid) return stay(record);
  const { code, signal, lastLines } = event;
  const exit = { code, signal, reason: reasonOf(event), lastLines };
  if (state.kind === 'stopping') {
    if (state.then === 'starting') return starting(record, now, [{ kind: 'clear-timers' }]);
    if (state.then === 'backoff') {
      const { cause: reason, counts } = state;
      return afterDeath(record, { ...exit, reason }, { counts, isWedge: true }, now);
    }
    return { record: inState(record, { kind: 'stopped', since: now }), effects: [{ kind: 'clear-timers' }] };
  }
  const aliveMs = now.monotonicMs - state.since.monotonicMs;
  const forgotten = state.kind === 'ready' && aliveMs >= healthyMs ? healed(record) : record;
  const memory = memoryDeath(event, lastLines, event.killedForMemory ?? false);
  if (memory !== null) return afterMemoryDeath(forgotten, { ...exit, reason: memory }, now);
  const early = state.kind === 'loading' || aliveMs < earlyDeathMs;
  if (early && endedFromOutside(event)) return afterOutsideKill(forgotten, exit, now);
  return afterDeath(forgotten, exit, { counts: early }, now);
}

function afterMemoryDeath(record: EngineRecord, exit: Omit<ExitRecord, 'wallMs'>, now: Moment): Step {
  const again = record.memoryDeathMs !== null && now.monotonicMs - record.memoryDeathMs < failureWindowMs;
  if (record.state.kind === 'ready' && !again)
    return afterDeath({ ...record, memoryDeathMs: now.monotonicMs }, exit, { counts: true }, now);
  return givenUp(record, exit, { kind: 'failed', since: now, cause: 'memory' }, now);
}

function afterOutsideKill(record: EngineRecord, exit: Omit<ExitRecord, 'wallMs'>, now: Moment): Step {
  const outsideKills = [...withinWindow(record.outsideKills, now), now.monotonicMs];
  const counted = { ...record, outsideKills };
  if (outsideKills.length >= mostOutsideKills) return givenUp(counted, exit, { kind: 'conflict', since: now }, now);
  return afterDeath(counted, exit, { counts: false }, now);
}

function givenUp(record: EngineRecord, exit: Omit<ExitRecord, 'wallMs'>, state: EngineState, now: Moment): Step {
  return {
    record: { ...record, lastExit: { ...exit, wallMs: now.wallMs }, state },
    effects: [{ kind: 'clear-timers' }],
  };
}

/** `counts`: whether this death is one of those that lead to giving up. One that hung is never brought back at once. */
function afterDeath(
  record: EngineRecord,
  exit: Omit<ExitRecord, 'wallMs'>,
  { counts, isWedge = false }: { readonly counts: boolean; readonly isWedge?: boolean },
  now: Moment,
): Step {
  const recent = withinWindow(record.failures, now);
  const failures = counts ? [...recent, now.monotonicMs] : recent;
  const streak = counts || isWedge ? record.streak + 1 : record.streak;
  const counted = { ...record, failures, streak };
  if (failures.length >= mostFailures)
    return givenUp(counted, exit, { kind: 'failed', since: now, cause: 'deaths' }, now);
  // Callers wait for an engine that died once: bring it back at once. A second death soon after gets the full delay.
  const lone = !counts && !isWedge && !isRecent(record.quickRestartMs, now);
  const delayMs = lone ? quickRestartDelayMs : backoffDelayMs(Math.max(streak, 1), now.random, restartBackoff);
  return {
    record: {
      ...counted,
      lastExit: { ...exit, wallMs: now.wallMs },
      quickRestartMs: lone ? now.monotonicMs : record.quickRestartMs,
      state: { kind: 'backoff', since: now, delayMs },
    },
    effects: [{ kind: 'clear-timers' }, { kind: 'set-timer', event: 'retry-due', delayMs }],
  };
}

function withinWindow(times: readonly number[], now: Moment): number[] {
  return times.filter((timeMs) => now.monotonicMs - timeMs < failureWindowMs);
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
    effects: [{ kind: 'clear-timers' }, ...endingEffects(pid, record.state.kind === 'loading')],
  };
}

function endingEffects(pid: number, isLoading = false): SupervisorEffect[] {
  return [
    { kind: 'end', pid, how: 'gently' },
    { kind: 'set-timer', event: 'patience-over', delayMs: isLoading ? loadingPatienceMs : stopPatienceMs },
  ];
}

/** It was well for long: what went wrong before no longer counts. */
function healed(record: EngineRecord): EngineRecord {
  return { ...record, failures: [], outsideKills: [], memoryDeathMs: null, streak: 0 };
}

/** The operator asked for it: what went wrong before no longer counts. */
function forgiven(record: EngineRecord): EngineRecord {
  return { ...healed(record), quickRestartMs: null };
}

function inState(record: EngineRecord, state: EngineState): EngineRecord {
  return { ...record, state };
}

function stay(record: EngineRecord): Step {
  return { record, effects: [] };
}
