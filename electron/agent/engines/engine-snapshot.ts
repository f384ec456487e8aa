import type { EngineSnapshot } from '../../contract/snapshot.ts';
import { assertNever } from '../base/errors.ts';
import { failureWindowMs, type EngineRecord, type Moment } from './supervisor/transition.ts';

type SupervisedPart = Pick<
  EngineSnapshot,
  'state' | 'since' | 'sentence' | 'pid' | 'readyAt' | 'restarts' | 'lastExit' | 'nextTryAt'
>;

/** A program may write a line of any length; this much of it is said in a sentence. */
const longestQuote = 300;

const iso = (wallMs: number): string => new Date(wallMs).toISOString();

/** The part of an engine's snapshot that its supervisor knows, in words for the operator. */
export function snapshotOf(record: EngineRecord): SupervisedPart {
  const { state, lastExit, restarts } = record;
  return {
    state: state.kind,
    since: iso(state.since.wallMs),
    sentence: sentenceOf(record),
    pid: 'pid' in state ? state.pid : null,
    readyAt: state.kind === 'ready' ? iso(state.since.wallMs) : null,
    restarts,
    lastExit: lastExit && {
      at: iso(lastExit.wallMs),
      code: lastExit.code,
      signal: lastExit.signal,
      reason: lastExit.reason,
      lastLines: [...lastExit.lastLines],
    },
    nextTryAt: state.kind === 'backoff' ? iso(dueAt(state.since, state.delayMs)) : null,
  };
}

function dueAt(since: Moment, delayMs: number): number {
  return since.wallMs + delayMs;
}

function sentenceOf({ state, lastExit, failures, outsideKills }: EngineRecord): string {
  const cause = lastExit ? lastExit.reason : 'ended';
  const minutes = Math.round(failureWindowMs / 60_000);
  switch (state.kind) {
    case 'stopped':
      return 'The engine is stopped. Start it to answer requests.';
    case 'starting':
      return 'The engine is starting.';
    case 'loading':
      return 'The engine is loading its model.';
    case 'ready':
      return 'The engine is ready.';
    case 'stopping':
      if (state.then === 'backoff') return `The engine ${state.cause}. It is ended, then it starts again.`;
      return state.then === 'stopped' ? 'The engine is stopping.' : 'The engine is restarting.';
    case 'backoff':
      return `The engine ${cause}. It starts again in ${Math.max(1, Math.ceil(state.delayMs / 1000))} s.`;
    case 'failed': {
      if (state.cause === 'memory')
        return `The engine ${cause}. Choose a smaller model, a smaller quantization or a shorter context, then start it again.`;
      const last = lastExit?.lastLines.at(-1)?.slice(0, longestQuote);
      const said = last === undefined ? '' : ` Its last line: ${last}`;
      return `The engine failed ${failures.length} times within ${minutes} minutes (${cause}). Look at its log, then restart it.${said}`;
    }
    case 'conflict':
      return `Something else ended the engine ${outsideKills.length} times within ${minutes} minutes, each time soon after its start (${cause}). Find out which program does that, or whether memory ran out, then start the engine again.`;
    default:
      return assertNever(state);
  }
}
