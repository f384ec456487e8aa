import path from 'node:path';
import { EngineLog } from '../engine-log.ts';
import type { EngineFactory } from '../engine-factory.ts';
import { RotatedFile } from '../rotated-file.ts';
import { EmbeddedEngine } from './embedded-engine.ts';

const logBytes = 5 * 1024 * 1024;
const logFiles = 3;

/** llama.cpp in a process of ours, unless the settings say no. */
export const embeddedEngine: EngineFactory = (options, deps) => {
  const { clock, logger, leftovers, catalog } = deps;
  const { enabled, contextLength, parallel, threads } = options.engines.embedded;
  if (!enabled) return null;
  const file = new RotatedFile({
    path: path.join(options.logsDir, 'engine-embedded.log'),
    maxBytes: logBytes,
    keep: logFiles,
  });
  return new EmbeddedEngine(
    {
      nodePath: options.nodeExecutable,
      childScript: options.childScript,
      model: catalog.default(),
      contextSize: contextLength,
      parallel,
      threads,
    },
    {
      clock,
      logger,
      log: new EngineLog({ clock, file }),
      leftovers,
      models: {
        refresh: () => catalog.rescan(),
        // The self-test model gives way to any real one.
        choose: (held) => {
          const same = catalog.list().find((model) => model.path === held?.path && model.problem === null);
          return same && !same.selfTest ? same : catalog.default();
        },
      },
      random: deps.random ?? Math.random,
    },
  );
};
