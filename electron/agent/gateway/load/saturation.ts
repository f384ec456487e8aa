import { assertNever } from '../../base/errors.ts';
import type { EngineLoad } from '../../inference/upstream.ts';
import type { PressureFigures } from './pressure.ts';

/** Of the engines of this machine. */
export interface Load {
  readonly inFlight: number;
  /** Requests that wait for one of them. */
  readonly queued: number;
  /** Requests that the ready upstreams work on side by side. */
  readonly slots: number;
  /** What a request that came now would wait for a place, milliseconds; null where nothing says so. */
  readonly waitMs?: number | null;
  /** The first token should come within this, milliseconds. */
  readonly goalMs?: number;
  /** What the local engines tell of themselves: others than this gateway may use them too. */
  readonly engines?: readonly EngineLoad[];
  readonly pressure?: PressureFigures | null;
}

export type SaturationLevel = 'calm' | 'busy' | 'saturated';

export interface Saturation {
  /** 0 (free) to 1 (no slot left, or nothing moves any more). */
  readonly saturation: number;
  readonly level: SaturationLevel;
  /** The largest cause, for a person, such as "3 requests wait for 2 slots; the next would wait 14 s"; empty when calm. */
  readonly cause: string;
}

interface Part {
  readonly share: number;
  /** Whether it saturates the node by itself: full slots alone do not, for nobody waits. */
  readonly saturates: boolean;
  readonly cause: string;
}

/** Where a level begins, and below what it ends again: between the two the previous one stays. */
const thresholds = { busy: { from: 0.5, until: 0.4 }, saturated: { from: 0.95, until: 0.8 } } as const;
/** Percent of the time in which all tasks wait for memory that counts as standing still. */
const memoryFullLimit = 20;
const memorySomeLimit = 40;
/** Tasks that wait for a processor are the rule while an engine computes on all cores; only nearly always counts. */
const cpuSomeFrom = 80;
/** Share of memory below which being short of it begins, and the share at which it is complete. */
const memoryShortFrom = 0.06;
const memoryShortAt = 0.01;
/** Below this share of the clock rate taken away it is an everyday limit. */
const throttledFrom = 0.25;

/** How full the node is, with the largest cause. `previous` is the level of the last look: it changes with hysteresis. */
export function saturationOf(load: Load, previous: SaturationLevel = 'calm'): Saturation {
  const parts = [places(load), queue(load), engines(load), memory(load.pressure), processor(load.pressure)];
  const largest = parts.reduce((a, b) => (outweighs(b, a) ? b : a));
  const saturation = Math.round(largest.share * 1000) / 1000;
  const level = levelOf(largest, previous);
  return { saturation, level, cause: level === 'calm' ? '' : largest.cause };
}

function outweighs(a: Part, b: Part): boolean {
  return a.share > b.share || (a.share === b.share && a.saturates && !b.saturates);
}

function levelOf({ share, saturates }: Part, previous: SaturationLevel): SaturationLevel {
  const was = saturates ? previous : lower(previous);
  const saturated = was === 'saturated' ? thresholds.saturated.until : thresholds.saturated.from;
  if (saturates && share >= saturated) return 'saturated';
  const busy = previous === 'calm' ? thresholds.busy.from : thresholds.busy.until;
  return share >= busy ? 'busy' : 'calm';
}

function lower(level: SaturationLevel): SaturationLevel {
  switch (level) {
    case 'saturated':
      return 'busy';
    case 'busy':
    case 'calm':
      return level;
    default:
      return assertNever(level);
  }
}

function places({ inFlight, slots }: Load): Part {
  const share = slots > 0 ? Math.min(1, inFlight / slots) : inFlight > 0 ? 1 : 0;
  const cause =
    slots > 0
      ? `${inFlight} of ${slots} ${slots === 1 ? 'slot' : 'slots'} in use`
      : `${requests(inFlight)} ${inFlight === 1 ? 'waits' : 'wait'} for an engine to come up`;
  return { share, saturates: false, cause };
}

/** Somebody who waits makes the node saturated, and so does a place that comes free only after the goal. */
function queue({ queued, slots, waitMs = null, goalMs }: Load): Part {
  const next = waitMs !== null && waitMs > 0 ? `; the next would wait ${spoken(waitMs)}` : '';
  if (queued > 0) {
    const verb = queued === 1 ? 'waits' : 'wait';
    const cause = `${requests(queued)} ${verb} for ${slots} ${slots === 1 ? 'slot' : 'slots'}${next}`;
    return { share: 1, saturates: true, cause };
  }
  if (waitMs === null || goalMs === undefined || goalMs <= 0) return { share: 0, saturates: false, cause: '' };
  const share = Math.min(1, waitMs / goalMs);
  return { share, saturates: true, cause: `the next request would wait ${spoken(waitMs)} for a slot` };
}

function engines({ engines = [], inFlight, slots }: Load): Part {
  const deferred = engines.reduce((sum, engine) => sum + engine.deferred, 0);
  if (deferred > 0) {
    return {
      share: 1,
      saturates: true,
      cause: `${requests(deferred)} ${deferred === 1 ? 'waits' : 'wait'} inside the engine`,
    };
  }
  const busy = engines.reduce((sum, engine) => sum + engine.busy, 0);
  const others = Math.max(0, busy - inFlight);
  if (others === 0 || slots === 0) return { share: 0, saturates: false, cause: '' };
  const share = Math.min(1, busy / slots);
  return { share, saturates: false, cause: `${busy} of ${slots} slots in use, ${others} by other programs` };
}

function memory(pressure: PressureFigures | null | undefined): Part {
  if (!pressure) return none;
  const { memoryFullPercent: full, memorySomePercent: some, availableBytes, totalBytes } = pressure;
  const stalled: Part = {
    share: Math.min(1, Math.max((full ?? 0) / memoryFullLimit, (some ?? 0) / memorySomeLimit)),
    saturates: true,
    cause: `programs waited for memory ${percent(Math.max(full ?? 0, some ?? 0))} of the last 10 s`,
  };
  if (availableBytes === null || totalBytes === null || totalBytes <= 0) return stalled;
  const free = availableBytes / totalBytes;
  const short: Part = {
    share: ramp(free, memoryShortFrom, memoryShortAt),
    saturates: true,
    cause: `only ${(availableBytes / 2 ** 30).toFixed(1)} GB of memory is free`,
  };
  return outweighs(short, stalled) ? short : stalled;
}

/** Slower, but still moving: busy at most. */
function processor(pressure: PressureFigures | null | undefined): Part {
  if (!pressure) return none;
  const { throttled, cpuSomePercent } = pressure;
  const slowed: Part = {
    share: throttled === null || throttled < throttledFrom ? 0 : Math.min(1, throttled + 0.25),
    saturates: false,
    cause: `heat or power limits take ${percent((throttled ?? 0) * 100)} of the processor's speed`,
  };
  const contended: Part = {
    share: 0.9 * ramp(cpuSomePercent ?? 0, cpuSomeFrom, 100),
    saturates: false,
    cause: `programs waited for a processor ${percent(cpuSomePercent ?? 0)} of the last 10 s`,
  };
  return outweighs(contended, slowed) ? contended : slowed;
}

const none: Part = { share: 0, saturates: false, cause: '' };

/** 0 at `from`, 1 at `to`, straight in between, whichever is the larger. */
function ramp(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}

function requests(count: number): string {
  return count === 1 ? '1 request' : `${count} requests`;
}

function percent(value: number): string {
  return `${Math.round(value)} %`;
}

function spoken(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`;
}
