import type { Estimate } from '../../../contract/trace.ts';
import type { Operation } from '../../inference/request.ts';
import type { EngineLoad } from '../../inference/upstream.ts';
import type { LaneLoad } from './ask.ts';
import type { Speeds } from './speeds.ts';

/** All that an estimate is made of. */
export interface Prospect {
  readonly operation: Operation;
  readonly promptTokens: number;
  /** Tokens at the head of the prompt that the upstream has in its cache. */
  readonly cachedTokens: number;
  /** Tokens of a cache elsewhere that going here throws away. */
  readonly lostCacheTokens: number;
  /** The caller's limit; null when it named none. */
  readonly maxTokens: number | null;
  /** Longest answer that is possible all the same, tokens. */
  readonly mostTokens: number;
  /** Whether the model is in memory. */
  readonly loaded: boolean;
  readonly speeds: Speeds;
  /** Until this gateway has a place for the request, milliseconds. */
  readonly waitMs: number;
  readonly lane: LaneLoad;
  /** What the engine tells of itself. */
  readonly engine: EngineLoad | null;
  /** Dollars at most; 0 for what costs nothing. */
  readonly worstUsd: number;
  /** Dollars that leaving a provider's cache behind costs, once it has to be written again. */
  readonly lostCacheUsd: number;
}

/** Chosen by the overload bench: more of it sends away requests that would have begun in time. */
const caution = 0.1;

/**
 * What to expect of a request on one upstream. Pure. Reading is reckoned a little slower than the mean, by a
 * tenth of the mean deviation: a first token that comes too late costs more than one that comes sooner than was thought.
 */
export function estimate(prospect: Prospect): Estimate {
  const { promptTokens, lostCacheTokens, lostCacheUsd, speeds, worstUsd } = prospect;
  const cachedTokens = Math.min(Math.max(0, prospect.cachedTokens), promptTokens);
  const loadMs = prospect.loaded ? 0 : speeds.loadMs;
  const tokenMs = (1_000 / speeds.prefillTokensPerSecond) * (1 + caution * speeds.prefillSpread);
  const readMs = (promptTokens - cachedTokens) * tokenMs;
  const prefillMs = Math.max(readMs, speeds.startMs);
  const answerMs = (answerTokens(prospect) / speeds.tokensPerSecond) * 1_000;
  const serviceMs = loadMs + prefillMs + answerMs;
  const waitMs = prospect.waitMs + othersMs(prospect, serviceMs);
  const guessedMs = Math.round((speeds.readsByGuess ? prefillMs : 0) + (speeds.loadsByGuess ? loadMs : 0));
  return {
    waitMs: Math.round(waitMs),
    loadMs: Math.round(loadMs),
    prefillMs: Math.round(prefillMs),
    ttftMs: Math.round(waitMs + loadMs + prefillMs),
    serviceMs: Math.round(serviceMs),
    promptTokens,
    cachedTokens,
    lostCacheTokens,
    worstUsd,
    ...(lostCacheUsd > 0 ? { lostCacheUsd } : {}),
    ...(guessedMs > 0 ? { guessedMs } : {}),
  };
}

function answerTokens({ operation, maxTokens, mostTokens, speeds }: Prospect): number {
  if (operation === 'embedding') return 0;
  return Math.min(speeds.answerTokens, maxTokens ?? mostTokens, mostTokens);
}

/**
 * How much longer it takes because others, who do not come by way of this gateway, use the engine too. Its figures are
 * as of a while ago, so requests of ours that ended lately may still be among them.
 */
function othersMs({ engine, lane }: Prospect, serviceMs: number): number {
  if (engine === null) return 0;
  const ours = lane.inFlight + (lane.endedLately ?? 0);
  const others = Math.max(0, engine.busy + engine.deferred - ours);
  const slots = Math.max(1, lane.slots);
  const short = others + lane.inFlight + 1 - slots;
  // Those of ours that hold places are in the wait already.
  const because = Math.min(others, short);
  return because > 0 ? (because / slots) * serviceMs : 0;
}
