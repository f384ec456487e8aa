import type { EngineFactory } from '../engine-factory.ts';
import { engineLog } from '../process-engine/engine-log-file.ts';
import { ProcessEngine } from '../process-engine/process-engine.ts';
import { EmbeddedKind } from './embedded-kind.ts';

/** llama.cpp in a process of ours for each model, unless the settings say no. */
export const embeddedEngine: EngineFactory = (options, deps) => {
  const { clock, logger, leftovers, defaultModel } = deps;
  const { embedded: settings } = options.engines;
  if (!settings.enabled) return null;
  const { nodeExecutable, childScript } = options;
  const log = engineLog({ logsDir: options.logsDir, engineId: 'embedded' }, { clock });
  const kind = new EmbeddedKind({ nodeExecutable, childScript, settings }, { clock, log, leftovers });
  return new ProcessEngine({ kind, clock, logger, log, random: deps.random ?? Math.random, defaultModel });
};
