import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { Engine } from './engine.ts';
import type { Leftovers } from './supervisor/leftovers.ts';

type KvType = 'f16' | 'q8_0' | 'q4_0';
type OrAuto = number | 'auto';

/** The engines' part of the settings; what each means stands in their schema. */
export interface EngineSettings {
  readonly embedded: {
    readonly enabled: boolean;
    readonly contextLength: OrAuto;
    readonly parallel: OrAuto;
    readonly threads: OrAuto;
  };
  readonly ollama: {
    readonly enabled: boolean;
    readonly url: string | null;
    readonly path: string | null;
    readonly modelsDir: string | null;
    readonly contextLength: OrAuto;
    readonly parallel: number;
    readonly kvType: KvType;
    readonly allowCallerReload: boolean;
  };
  readonly llamaServer: {
    readonly enabled: boolean;
    readonly url: string | null;
    readonly keyFile: string | null;
    readonly path: string | null;
    readonly contextLength: OrAuto;
    readonly parallel: OrAuto;
    readonly threads: OrAuto;
    readonly kvType: KvType;
    readonly allowOld: boolean;
  };
  readonly bitnet: {
    readonly enabled: boolean;
    readonly url: string | null;
    readonly path: string | null;
    readonly contextLength: OrAuto;
    readonly threads: OrAuto;
    readonly oneConversation: boolean;
  };
}

export interface EnginesOptions {
  readonly dataDir: string;
  readonly logsDir: string;
  /** The embedded engine's program, `embedded-engine.js` of the build. */
  readonly childScript: string;
  /** The Node binary that runs it. */
  readonly nodeExecutable: string;
  /** The agent's environment, to look for programs and addresses in; none of it is handed to an engine as it is. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly engines: EngineSettings;
}

export interface EnginesDeps {
  readonly catalog: ModelCatalog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads restarts. */
  readonly random?: () => number;
}

/** What every engine shares. */
export interface EngineSite extends EnginesDeps {
  readonly leftovers: Leftovers;
  /**
   * Id of the model that requests without a named model get, if it is this engine's; its upstream's `defaultModel`.
   */
  readonly defaultModel: (engineId: string) => string | null;
}

/** Makes one engine; null when the settings have none of this kind. Starts and asks nothing. */
export type EngineFactory = (options: EnginesOptions, deps: EngineSite) => Engine | null;
