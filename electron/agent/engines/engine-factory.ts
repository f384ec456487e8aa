import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { Engine } from './engine.ts';
import type { Leftovers } from './supervisor/leftovers.ts';

export interface EnginesOptions {
  readonly dataDir: string;
  readonly logsDir: string;
  /** The embedded engine's program, `embedded-engine.js` of the build. */
  readonly childScript: string;
  /** The Node binary that runs it. */
  readonly nodeExecutable: string;
  /** As in the settings. */
  readonly embedded: {
    readonly enabled: boolean;
    /** Tokens a request may use. */
    readonly contextLength: number | 'auto';
    /** Requests side by side. */
    readonly parallel: number | 'auto';
    readonly threads: number | 'auto';
  };
}

export interface EnginesDeps {
  readonly catalog: ModelCatalog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads restarts. */
  readonly random?: () => number;
}

/** Makes one engine; null when the settings or the machine have none of this kind. Starts nothing. */
export type EngineFactory = (
  options: EnginesOptions,
  deps: EnginesDeps & { readonly leftovers: Leftovers },
) => Engine | null;
