import { totalmem } from 'node:os';
import path from 'node:path';
import type { EngineSite, EnginesOptions } from '../engine-factory.ts';
import { EngineLog } from '../engine-log.ts';
import { RotatedFile } from '../rotated-file.ts';
import { AdoptedOllama } from './adopted-ollama.ts';
import { addressToTry } from './address.ts';
import { findOllama } from './find-ollama.ts';
import { findKeeper } from './keeper.ts';
import { OllamaEngine } from './ollama-engine.ts';
import { automaticContext, usualModelsDir } from './own-environment.ts';
import { OwnedOllama } from './owned-ollama.ts';

const id = 'ollama';
const logBytes = 5 * 1024 * 1024;
const logFiles = 3;

/** What tests put in the place of this machine. */
export interface OllamaMachine {
  readonly platform?: NodeJS.Platform;
  /** Ports for an Ollama of our own. Default: free ones. */
  readonly pickPort?: () => Promise<number>;
}

/** Ollama, unless the settings say no: the one that runs, else one that is started. */
export function ollamaEngine(
  options: EnginesOptions,
  deps: EngineSite,
  machine: OllamaMachine = {},
): OllamaEngine | null {
  const settings = options.engines.ollama;
  if (!settings.enabled) return null;
  const { clock, logger, leftovers, random = Math.random } = deps;
  const { platform = process.platform, pickPort } = machine;
  const { env, dataDir } = options;
  const log = new EngineLog({ clock, file: logFile(options.logsDir) });
  const { address } = addressToTry(settings.url, env);
  const home = path.join(dataDir, 'engines', 'ollama-home');
  const modelsDir = settings.modelsDir ?? usualModelsDir(env) ?? path.join(home, 'models');
  return new OllamaEngine(
    {
      id,
      platform,
      mayOwn: settings.url === null || settings.path !== null,
      allowCallerReload: settings.allowCallerReload,
      automaticContext: settings.contextLength === 'auto',
    },
    {
      clock,
      logger,
      log,
      defaultModel: () => deps.defaultModel(id),
      adopt: (isBusy) =>
        new AdoptedOllama(address, { clock, isBusy, findKeeper: (port) => findKeeper(port, { platform }) }),
      find: () => findOllama({ configured: settings.path, dataDir, env, platform }, { clock, home }),
      own: (program, isBusy) =>
        new OwnedOllama(
          {
            engineId: id,
            program,
            settings: {
              contextLength: settings.contextLength === 'auto' ? automaticContext(totalmem()) : settings.contextLength,
              parallel: settings.parallel,
              kvType: settings.kvType,
            },
            home,
            modelsDir,
            env,
            platform,
          },
          { clock, logger, log, leftovers, random, isBusy, pickPort },
        ),
    },
  );
}

function logFile(logsDir: string): RotatedFile {
  return new RotatedFile({ path: path.join(logsDir, 'engine-ollama.log'), maxBytes: logBytes, keep: logFiles });
}
