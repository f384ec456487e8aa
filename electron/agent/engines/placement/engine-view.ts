import type { EngineKind, EngineSnapshot, EngineStateName } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';
import type { CatalogModel } from '../../models/catalog-model.ts';
import type { EngineModel } from '../engine.ts';

/** An engine as placement sees it: what it has and whether it can be given more. */
export interface EngineView {
  readonly id: string;
  readonly kind: EngineKind;
  readonly ownership: EngineSnapshot['ownership'];
  readonly state: EngineStateName;
  /** The settings name its address or its program. */
  readonly configured: boolean;
  /** The operator stopped it. */
  readonly halted: boolean;
  readonly models: readonly EngineModel[];
  /** See `Engine.refuses`. */
  refuses(file: CatalogModel): string | null;
}

/**
 * Whether a model may be given to an engine without anybody's help. One that merely has nothing to do counts: it is
 * started by being given a model. The embedded engine is part of the program, so it is never absent.
 */
export function isUsable(engine: EngineView): boolean {
  if (engine.halted) return false;
  switch (engine.state) {
    case 'absent':
      return engine.kind === 'embedded';
    case 'failed':
      // Where every model has a process of its own, it is a model that failed: another one may well run.
      return engine.kind !== 'ollama';
    case 'conflict':
      return false;
    case 'starting':
    case 'loading':
    case 'ready':
    case 'draining':
    case 'stopping':
    case 'stopped':
    case 'backoff':
    case 'adopted':
      return true;
    default:
      return assertNever(engine.state);
  }
}

/** Whether the operator may have a model loaded there: an engine that failed is given another chance. */
export function isThere(engine: EngineView): boolean {
  return !engine.halted && (isUsable(engine) || engine.state === 'failed');
}

/** Whether what an engine holds of a model has failed for good, so that it is not waited for. */
export function hasFailed(engine: EngineView, held: EngineModel | null): boolean {
  return engine.state === 'failed' && held !== null && held.state !== 'loaded';
}

/**
 * The order in which engines are preferred: those that the settings name, those that run anyway, those that are
 * installed, the embedded one. Among equals the order of the list stays.
 */
function byPreference(engines: readonly EngineView[]): EngineView[] {
  return engines.toSorted((a, b) => rank(a) - rank(b));
}

function rank(engine: EngineView): number {
  if (engine.kind === 'embedded') return 3;
  if (engine.configured) return 0;
  return engine.ownership === 'adopted' ? 1 : 2;
}

/**
 * The engines that can load a file, the preferred one first. The BitNet engine is old, so it gets what no other one
 * can load; the self-test model is the embedded engine's own.
 */
export function enginesFor(file: CatalogModel, engines: readonly EngineView[]): EngineView[] {
  if (file.problem !== null) return [];
  if (file.selfTest) return engines.filter(({ kind }) => kind === 'embedded');
  const able = byPreference(engines).filter((engine) => engine.refuses(file) === null);
  const others = able.filter(({ kind }) => kind !== 'bitnet');
  return others.length > 0 ? others : able;
}
