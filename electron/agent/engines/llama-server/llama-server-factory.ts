import type { EngineFactory } from '../engine-factory.ts';
import { engineLog } from '../process-engine/engine-log-file.ts';
import { ProcessEngine } from '../process-engine/process-engine.ts';
import { LlamaServerKind } from './llama-server-kind.ts';

/** llama.cpp's server: a process of ours for each model. */
export const llamaServerEngine: EngineFactory = (options, deps) => {
  const { clock, logger, leftovers, defaultModel } = deps;
  if (!options.engines.llamaServer.enabled) return null;
  const log = engineLog({ logsDir: options.logsDir, engineId: 'llama-server' }, { clock });
  const kind = new LlamaServerKind(options, { clock, log, leftovers });
  return new ProcessEngine({ kind, clock, logger, log, random: deps.random ?? Math.random, defaultModel });
};
