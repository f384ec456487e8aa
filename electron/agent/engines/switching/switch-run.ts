import type { ModelFit } from '../../../contract/snapshot.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Placed } from '../placement/choose-default.ts';
import type { Leaving } from './model-loads.ts';
import type { SwitchPhase } from './switch-record.ts';

/** What a switch does things with. */
export interface SwitchPorts {
  readonly fit: (placed: Placed) => ModelFit | null;
  /** Those that are in memory now, at any engine. */
  readonly loaded: () => readonly Placed[];
  /** The same with those that only finish their answers: they take memory until they are gone. */
  readonly inMemory: () => readonly Placed[];
  /** Whether the one before is unloaded anyway once the new one answers. */
  readonly leaves: (from: Placed, to: Placed) => boolean;
  readonly load: (placed: Placed, signal: AbortSignal) => Promise<void>;
  readonly unload: (placed: Placed, why: Leaving) => Promise<void>;
  /** One tiny answer; rejects when there is none. */
  readonly warmUp: (placed: Placed, signal: AbortSignal) => Promise<void>;
  /** Requests without a named model go there from now on. */
  readonly point: (placed: Placed) => void;
  readonly phase: (phase: SwitchPhase) => void;
}

export type SwitchOutcome =
  | { readonly kind: 'done' }
  /** The one before answers as it did; or there was none, and nothing has changed. */
  | { readonly kind: 'rolled-back'; readonly error: AppError }
  /** The one before could not be had back. */
  | { readonly kind: 'failed'; readonly error: AppError }
  /** Another switch takes its place; that one knows which model answered last. */
  | { readonly kind: 'superseded' };

/**
 * Brings a model to the front: looks whether there is room, loads it beside the one before or after that has gone, has
 * it answer once, and points callers to it. If it does not answer, the one before is brought back.
 */
export async function runSwitch(
  to: Placed,
  from: Placed | null,
  ports: SwitchPorts,
  signal: AbortSignal,
): Promise<SwitchOutcome> {
  const isThere = isLoaded(to, ports);
  const fit = isThere ? null : ports.fit(to);
  if (fit?.verdict === 'too-big') {
    return {
      kind: 'rolled-back',
      error: new AppError('model_unusable', `${fit.sentence} Choose a smaller quantization.`),
    };
  }
  const going = isThere ? [] : toMakeRoom(to, from, fit, ports);
  const hadToGo = from !== null && going.some((each) => sameSpot(each, from));
  try {
    // With nothing that answers meanwhile, callers may as well wait for the new one.
    if (from === null || hadToGo || !isLoaded(from, ports)) ports.point(to);
    if (going.length > 0) {
      ports.phase('draining');
      await Promise.all(going.map((each) => ports.unload(each, 'room')));
      signal.throwIfAborted();
    }
    ports.phase('loading');
    await ports.load(to, signal);
    ports.phase('warming');
    await ports.warmUp(to, signal);
    signal.throwIfAborted();
    ports.point(to);
    return { kind: 'done' };
  } catch (error) {
    if (signal.aborted) {
      await dropUnlessThere(to, isThere, ports);
      return { kind: 'superseded' };
    }
    return rollBack(toAppError(error), { to, from, isThere }, ports);
  }
}

async function rollBack(
  error: AppError,
  { to, from, isThere }: { to: Placed; from: Placed | null; isThere: boolean },
  ports: SwitchPorts,
): Promise<SwitchOutcome> {
  await dropUnlessThere(to, isThere, ports);
  if (from === null || sameSpot(from, to)) return { kind: 'failed', error };
  ports.point(from);
  if (isLoaded(from, ports)) return { kind: 'rolled-back', error };
  try {
    await ports.load(from, new AbortController().signal);
    return { kind: 'rolled-back', error };
  } catch (second) {
    const { code, message } = toAppError(second);
    return { kind: 'failed', error: new AppError(code, `${error.message} ${message}`, { cause: error }) };
  }
}

/** A model that was loaded and does not answer only takes memory. */
async function dropUnlessThere(to: Placed, wasThere: boolean, ports: SwitchPorts): Promise<void> {
  if (!wasThere && isLoaded(to, ports)) await ports.unload(to, 'room');
}

/** Those that the fit names; where it is tight, the one before, which goes anyway. */
function toMakeRoom(to: Placed, from: Placed | null, fit: ModelFit | null, ports: SwitchPorts): Placed[] {
  if (fit === null || fit.verdict === 'fits' || fit.verdict === 'unknown') return [];
  const before = from !== null && ports.leaves(from, to) ? from : null;
  return ports
    .inMemory()
    .filter(
      (each) =>
        !sameSpot(each, to) && (fit.unload.includes(each.model.id) || (before !== null && sameSpot(each, before))),
    );
}

function isLoaded(placed: Placed, ports: SwitchPorts): boolean {
  return ports.loaded().some((each) => sameSpot(each, placed));
}

/** Whether both are the same model at the same engine. */
export function sameSpot(a: Placed, b: Placed): boolean {
  return a.model.id === b.model.id && a.offer.engineId === b.offer.engineId;
}
