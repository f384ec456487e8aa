import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../agent/base/atomic-file.ts';
import { systemErrorCode } from '../agent/base/errors.ts';
import { agentFileSchema, type AgentFile } from '../contract/agent-file.ts';
import { isProcessAlive } from './process-identity.ts';

/** Where `agent.json` is, inside the data folder. */
export function agentFilePath(dataDir: string): string {
  return join(dataDir, 'agent.json');
}

/**
 * What `agent.json` says, or null when there is none, when it cannot be understood, or when the process it names is
 * gone (an agent that was killed leaves the file behind).
 */
export async function readAgentFile(dataDir: string): Promise<AgentFile | null> {
  let text: string;
  try {
    text = await readFile(agentFilePath(dataDir), 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
  const parsed = agentFileSchema.safeParse(parseJson(text));
  if (!parsed.success || !isProcessAlive(parsed.data.pid)) return null;
  return parsed.data;
}

/** Writes `agent.json` so that a reader sees the old one or the new one, never half; only this user may read it. */
export function writeAgentFile(dataDir: string, file: AgentFile): void {
  replaceFile(agentFilePath(dataDir), `${JSON.stringify(file, null, 2)}\n`);
}

/** Removes `agent.json`; that it is gone already is fine. */
export async function removeAgentFile(dataDir: string): Promise<void> {
  await rm(agentFilePath(dataDir), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
