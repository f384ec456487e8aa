import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { AppError } from '../../base/errors.ts';
import type { Capability, ModelDetails, ServedModel } from '../../inference/upstream.ts';
import type { EngineModel } from '../engine.ts';
import { snapshotOf } from '../engine-snapshot.ts';
import type { EngineRecord } from '../supervisor/transition.ts';
import type { InstancePlan, ProcessEndpoint, ProcessStats } from './process-kind.ts';

/** What is known of a model in a process of its own. */
export interface InstanceFacts {
  readonly plan: InstancePlan;
  readonly details: ModelDetails;
  readonly record: EngineRecord;
  /** Null while the process does not answer. */
  readonly endpoint: ProcessEndpoint | null;
  /** Those of the last process, while the next one comes up. */
  readonly capabilities: readonly Capability[];
  readonly stats: ProcessStats;
  readonly draining: boolean;
  /** It is on its way out. */
  readonly leaving: boolean;
  /** See {@link isRising}. */
  readonly rising: boolean;
  /** Wall-clock seconds since the epoch. */
  readonly readySinceS: number;
  /** Wall-clock milliseconds since the epoch. */
  readonly lastUsedMs: number;
}

const drainingSentence = 'The engine finishes its answers before it unloads or restarts.';

/** Whether it does not answer, and will without anybody's help. `ready`: it takes requests now. */
export function isRising({ state }: EngineRecord, ready: boolean): boolean {
  switch (state.kind) {
    case 'starting':
    case 'loading':
    case 'backoff':
      return true;
    case 'stopping':
      return state.then !== 'stopped';
    case 'ready':
      return !ready;
    case 'stopped':
    case 'failed':
    case 'conflict':
      return false;
  }
}

/**
 * Why nobody needs to wait for it any longer; null while it may still come up, or has. `unusable` tells the line by
 * which a process that never answered said that the file is no good; null when there is none.
 */
export function whyNotUp(record: EngineRecord, model: string, unusable: () => string | null): AppError | null {
  const { state } = record;
  switch (state.kind) {
    case 'ready':
    case 'starting':
    case 'loading':
    case 'stopping':
      return null;
    case 'backoff': {
      const line = unusable();
      if (line === null) return null;
      return new AppError(
        'model_unusable',
        `The model ${model} cannot be loaded. Choose another one, or download it again. The engine’s last word: ${line}`,
      );
    }
    case 'failed':
    case 'conflict':
      return new AppError('engine_failed', snapshotOf(record).sentence);
    case 'stopped':
      return new AppError('engine_not_ready', `The model ${model} was stopped while it loaded. Load it again.`);
  }
}

/** As the gateway sees it. */
export function servedModel({ plan, endpoint, capabilities, readySinceS, details }: InstanceFacts): ServedModel {
  return {
    id: plan.id,
    contextLength: endpoint?.contextLength ?? null,
    capabilities,
    sizeBytes: plan.file.sizeBytes,
    loaded: endpoint !== null,
    createdAtS: readySinceS,
    details,
  };
}

/** As the engine's owner sees it. */
export function heldModel(facts: InstanceFacts): EngineModel {
  const { plan, endpoint, stats } = facts;
  return {
    id: plan.id,
    path: plan.file.path,
    library: null,
    digest: plan.file.digest,
    state: stateOf(facts),
    progress: facts.record.state.kind === 'loading' ? stats.progress : null,
    contextLength: endpoint?.contextLength ?? null,
    slots: endpoint?.slots ?? 0,
    memoryBytes: endpoint ? stats.memoryBytes : null,
    lastUsedMs: facts.lastUsedMs,
  };
}

function stateOf({ leaving, endpoint, rising }: InstanceFacts): EngineModel['state'] {
  if (leaving) return 'unloading';
  if (endpoint) return 'loaded';
  return rising ? 'loading' : 'idle';
}

/** The part of the engine's snapshot that is this process's. */
export function supervisedPart(record: EngineRecord, draining: boolean): ReturnType<typeof snapshotOf> {
  const supervised = snapshotOf(record);
  if (!draining || supervised.state !== 'ready') return supervised;
  return { ...supervised, state: 'draining', sentence: drainingSentence };
}

/** Its line among the engine's processes; null while there is none. */
export function processLine(facts: InstanceFacts): EngineSnapshot['processes'][number] | null {
  const { pid, state } = supervisedPart(facts.record, facts.draining);
  return pid === null ? null : { pid, model: facts.plan.id, state, memoryBytes: facts.stats.memoryBytes };
}
