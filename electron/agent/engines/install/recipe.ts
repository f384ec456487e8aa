import type { EngineKind } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import type { EngineLog } from '../engine-log.ts';
import type { HttpGet } from './fetching.ts';
import type { Command } from './running.ts';
import type { InstallSources } from './sources.ts';

export type InstallableKind = Exclude<EngineKind, 'embedded'>;

/** Where an installation works. */
export interface InstallSite {
  /** Empty at the start and removed at the end, on the same disk as what is installed. */
  readonly staging: string;
  /** Becomes a folder of the engine's own: what is moved there is found by the engine's search. */
  readonly target: (name: string) => string;
  readonly modelsDir: string;
  readonly cores: number;
}

/** What a step works with. */
export interface StepDeps {
  readonly site: InstallSite;
  readonly sources: InstallSources;
  readonly http: HttpGet;
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly signal: AbortSignal;
  /** The whole environment of the tools. */
  readonly env: Readonly<Record<string, string>>;
  readonly run: (command: Command, onLine?: (line: string) => void) => Promise<void>;
  /** How far the step is, 0–1; null where that is not known. */
  readonly onShare: (share: number | null) => void;
}

export interface InstallStep {
  /** What it does, for people. */
  readonly sentence: string;
  /** The same as lines for a terminal. */
  readonly lines: readonly string[];
  readonly run: (deps: StepDeps) => Promise<void>;
}

/** How an engine gets here. */
export interface Recipe {
  readonly kind: InstallableKind;
  /** What it comes to. */
  readonly sentence: string;
  readonly steps: readonly InstallStep[];
  /** Why this node cannot do it by itself; null when it can. */
  readonly problem: string | null;
}
