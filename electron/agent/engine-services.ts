import { cpus, freemem } from 'node:os';
import { join } from 'node:path';
import { meansPath } from '../contract/control.ts';
import type { Clock } from './base/clock.ts';
import { FreeMemory } from './base/free-memory.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import type { ConfigStore } from './config/config-store.ts';
import { Engines } from './engines/engines.ts';
import { loadDefaults, ModelFigures } from './model-figures.ts';
import { ModelCatalog } from './models/catalog.ts';
import { Measurements } from './models/measurements.ts';
import { MemoryBandwidth } from './models/memory-bandwidth.ts';
import { ModelRecords } from './models/records.ts';
import { gigabyte } from './models/sizes.ts';

export interface EngineSite {
  readonly dataDir: string;
  readonly distDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folders: { readonly models: string; readonly logs: string };
}

export interface EngineServicesDeps {
  readonly config: ConfigStore;
  /** Whether no request is under way at the gateway; asked only once the gateway is there. */
  readonly gatewayIdle: () => boolean;
  readonly clock: Clock;
  readonly modelsLogger: Logger;
  readonly enginesLogger: Logger;
  readonly stack: StopStack;
}

/** The models on disk, the engines that run them, and what is known of both in figures. */
export interface EngineServices {
  readonly records: ModelRecords;
  readonly measurements: Measurements;
  readonly catalog: ModelCatalog;
  readonly memory: FreeMemory;
  /** Not started yet. */
  readonly engines: Engines;
  /** Not started yet. */
  readonly bandwidth: MemoryBandwidth;
  readonly figures: ModelFigures;
}

/** Reads what is on disk, and makes the engines without starting one. */
export async function openEngines(
  { dataDir, distDir, env, folders }: EngineSite,
  { config, gatewayIdle, clock, modelsLogger, enginesLogger, stack }: EngineServicesDeps,
): Promise<EngineServices> {
  const { settings } = config;
  const records = new ModelRecords({ file: join(folders.models, 'models.json') }, { clock, logger: modelsLogger });
  const measurements = new Measurements({ file: join(dataDir, 'measurements.db') }, { clock, logger: modelsLogger });
  stack.push('measurements', () => measurements.close());
  const catalog = new ModelCatalog(
    {
      modelsDir: folders.models,
      folders: settings.models.folders,
      defaultPath:
        settings.models.default !== null && meansPath(settings.models.default) ? settings.models.default : null,
      selfTestPath: join(distDir, 'self-test.gguf'),
    },
    { clock, logger: modelsLogger, records },
  );
  await catalog.start();
  stack.push('models', () => catalog.stop());

  const memory = new FreeMemory({ platform: process.platform }, { clock });
  await memory.start();
  stack.push('free memory', () => memory.stop());
  const engines = new Engines(
    {
      dataDir,
      logsDir: folders.logs,
      childScript: join(distDir, 'embedded-engine.js'),
      nodeExecutable: process.execPath,
      env,
      engines: settings.engines,
      models: settings.models,
    },
    {
      catalog,
      clock,
      logger: enginesLogger,
      fit: (subject) => figures.fit(subject),
      remember: (wish) => config.record('models.default', wish),
      rememberOptions: (changed) => config.record('models.options', changed),
      removeFile: (file) => catalog.remove(file.id),
    },
  );
  const idle = (): boolean => gatewayIdle() && !engines.isBusy();
  const bandwidth = openBandwidth({ dataDir, distDir, idle }, { clock, logger: modelsLogger });
  const figures: ModelFigures = new ModelFigures(
    { headroomBytes: settings.models.headroomGb * gigabyte, defaults: loadDefaults(settings.engines) },
    {
      measurements,
      bandwidth,
      models: () => engines.nodeModels(),
      rows: () => engines.models(),
      engines: () => engines.list(),
      freeBytes: () => memory.bytes(),
    },
  );
  stack.push('engines', () => engines.stop());
  return { records, measurements, catalog, memory, engines, bandwidth, figures };
}

/** Memory bandwidth of this machine, measured while `idle` says that there is nothing else to do. */
function openBandwidth(
  { dataDir, distDir, idle }: { readonly dataDir: string; readonly distDir: string; readonly idle: () => boolean },
  deps: { readonly clock: Clock; readonly logger: Logger },
): MemoryBandwidth {
  return new MemoryBandwidth(
    {
      file: join(dataDir, 'memory-bandwidth.json'),
      childFile: join(distDir, 'memory-bandwidth.js'),
      cpuModel: cpus()[0]?.model ?? 'unknown',
      freeBytes: freemem,
      idle,
    },
    deps,
  );
}
