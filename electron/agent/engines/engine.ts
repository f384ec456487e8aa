import type { EngineKind, EngineSnapshot } from '../../contract/snapshot.ts';
import type { LogLine } from '../../contract/control.ts';
import type { Announcer } from '../base/announcer.ts';
import type { Upstream } from '../inference/upstream.ts';

/** The last lines an engine wrote, and those to come. */
export interface EngineLogReader {
  /** At most `count` lines, oldest first. */
  tail(count: number): LogLine[];
  /** Hears every later line until the result is called. */
  subscribe(listener: (line: LogLine) => void): () => void;
}

/** The model file that an engine has loaded or loads at its next start. */
export interface HeldModel {
  readonly path: string;
  readonly loaded: boolean;
  /** Tokens a request may use; null while it is not loaded. */
  readonly contextLength: number | null;
}

/** A local engine: what runs models on this machine. */
export interface Engine {
  readonly id: string;
  readonly kind: EngineKind;
  readonly upstream: Upstream;
  readonly log: EngineLogReader;
  /** Announced after every change of what {@link snapshot} says. */
  readonly changed: Announcer<void>;
  /** Null when it has no model, or none that is a file of the catalog. */
  readonly held: HeldModel | null;
  snapshot(): EngineSnapshot;
  /** Model files have come, gone or changed. */
  onCatalogChange(): void;
  /** Resolves when the engine has been told to start; being ready is announced. */
  start(): Promise<void>;
  /** Resolves when its process is gone. */
  stop(): Promise<void>;
  /** Kills its processes before it returns, without asking them first. For an agent that ends at once. */
  killNow(): void;
  /** Ends it if it runs and starts it anew, forgetting earlier failures. */
  restart(): Promise<void>;
}
