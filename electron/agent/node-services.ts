import { hostname } from 'node:os';
import { join } from 'node:path';
import { version } from '../contract/version.ts';
import { agentFilePath, removeAgentFile } from '../host/agent-file.ts';
import { acquireOwnerLock } from '../host/owner-lock.ts';
import { makePrivateFolder } from '../host/private-folder.ts';
import { openAgentLog, type AgentLog } from './agent-log.ts';
import type { Clock } from './base/clock.ts';
import { AppError, systemErrorCode } from './base/errors.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import { ConfigStore } from './config/config-store.ts';
import type { Settings } from './config/settings.ts';
import { loadNodeRecord, type NodeRecord } from './node-record.ts';

export interface NodeSite {
  /** Absolute; made if it is not there. */
  readonly dataDir: string;
  /** Settings from the command line: dotted path → text. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface NodeServicesDeps {
  readonly clock: Clock;
  readonly stack: StopStack;
  /** Gets the log as soon as there is one, so that what fails after it can be told there. */
  readonly onLog: (logger: Logger) => void;
}

/** What every other part of the node stands on. */
export interface NodeServices {
  readonly config: ConfigStore;
  /** As they were at the start. */
  readonly settings: Settings;
  /** Each room gets a child of it. */
  readonly logger: AgentLog['logger'];
  readonly record: NodeRecord;
  readonly folders: { readonly models: string; readonly logs: string };
  /** ISO 8601. */
  readonly startedAt: string;
  /** What people call the node. */
  readonly name: string;
}

/**
 * The data folder and its one owner; settings; then the log, which takes its level from them.
 *
 * @throws AppError `data_folder_unusable`, `settings_invalid`, and what the owner lock throws
 */
export async function openNode(
  { dataDir, env, overrides }: NodeSite,
  { clock, stack, onLog }: NodeServicesDeps,
): Promise<NodeServices> {
  const folders = { models: join(dataDir, 'models'), logs: join(dataDir, 'logs') };
  for (const folder of [dataDir, folders.models, folders.logs]) {
    await usable('data_folder_unusable', folder, () => makePrivateFolder(folder));
  }
  const lock = acquireOwnerLock(dataDir);
  stack.push('owner lock', () => lock.release());
  // Left by an agent that was killed; whoever reads it from here on would be misled.
  await usable('data_folder_unusable', agentFilePath(dataDir), () => removeAgentFile(dataDir));

  const config = await usable(
    'settings_invalid',
    join(dataDir, 'config.json'),
    () => new ConfigStore({ dataDir, overrides, env }, { clock }),
  );
  const { settings } = config;
  const log = await usable('data_folder_unusable', folders.logs, () => openAgentLog(folders.logs, settings.log.level));
  const { logger } = log;
  onLog(logger);
  stack.push('log', () => log.close());
  logger.info({ version, dataDir, node: process.version }, 'starting');
  for (const warning of config.warnings) logger.warn({ warning }, 'a problem with the settings');

  const record = loadNodeRecord(dataDir);
  const startedAt = new Date(clock.now()).toISOString();
  return { config, settings, logger, record, folders, startedAt, name: settings.node.name ?? hostname() };
}

/**
 * What `open` gives. There is no log yet that could hold the details, so a failure names the file or folder and the
 * system's code for what is wrong.
 */
async function usable<T>(
  code: 'data_folder_unusable' | 'settings_invalid',
  path: string,
  open: () => T | Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const cause = systemErrorCode(error) ?? (error instanceof Error ? error.message : String(error));
    const message =
      code === 'settings_invalid'
        ? `The settings in ${path} cannot be read (${cause}). Make it a file that this user may read and write, or move it away.`
        : `The data folder cannot be used, because of ${path} (${cause}). Make it writable for this user, or name another data folder: --data-dir DIR.`;
    throw new AppError(code, message, { cause: error });
  }
}
