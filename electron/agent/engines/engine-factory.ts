import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { EngineKind, ModelFit } from '../../contract/snapshot.ts';
import type { CatalogModel } from '../models/catalog-model.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import type { ModelShape } from '../models/model-shape.ts';
import type { Engine, LoadOptions } from './engine.ts';
import type { OptionsByName } from './switching/model-options.ts';
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

/** The models' part of the settings; what each means stands in their schema. */
export interface ModelsSettings {
  readonly default: string | null;
  readonly onDemand: boolean;
  readonly holdMs: number;
  readonly keepAliveMinutes: number | null;
  readonly warm: readonly string[];
  readonly options: OptionsByName;
}

/** A model at an engine, whose memory is to be reckoned. */
export interface FitSubject {
  /** As callers name it. */
  readonly modelId: string;
  readonly engineId: string;
  readonly engineKind: EngineKind;
  readonly sizeBytes: number;
  /** Null when the file does not tell enough. */
  readonly shape: ModelShape | null;
  readonly options: LoadOptions;
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
  /** Left out: nothing is set. */
  readonly models?: ModelsSettings;
}

/** The model files of this node, as far as engines look at them. */
export type ModelFiles = Pick<ModelCatalog, 'list' | 'changed' | 'rescan' | 'default'>;

export interface EnginesDeps {
  readonly catalog: ModelFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads restarts. */
  readonly random?: () => number;
  /** Memory the model would need there and what there is; null where it cannot be told. Left out: there is room. */
  readonly fit?: (subject: FitSubject) => ModelFit | null;
  /** Keeps the operator's choice of a model, a name or a path, for later starts. */
  readonly remember?: (wish: string) => void;
  /** Keeps the options of single models for later starts. */
  readonly rememberOptions?: (options: OptionsByName) => void;
  /** Left out: every kind. */
  readonly factories?: readonly EngineFactory[];
  /** Deletes a model's file with all its parts. */
  readonly removeFile?: (file: CatalogModel) => Promise<void>;
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
