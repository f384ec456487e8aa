import { resolve } from 'node:path';
import { ControlClient } from '../client/control-client.ts';
import type { AgentAddress } from '../client/http-exchange.ts';
import type { AgentFile } from '../contract/agent-file.ts';
import { readAgentFile } from '../host/agent-file.ts';
import { dataDir } from '../host/paths.ts';
import type { CliContext, CommonOptions } from './context.ts';
import { noAgent } from './failure.ts';

/** The running agent of one data folder, and the way to talk to it. */
export interface Session {
  readonly dataDir: string;
  readonly agent: AgentFile;
  readonly client: ControlClient;
}

/** The data folder that a verb works on: `--data-dir`, else what the environment and the platform say. */
export function chosenDataDir(context: CliContext, options: CommonOptions): string {
  if (options.dataDir !== undefined) return resolve(options.dataDir);
  return dataDir({ env: context.env, platform: context.platform, home: context.homeDir });
}

/** Finds the running agent. Throws `agent_not_running` (exit code 3) when there is none. */
export async function openSession(context: CliContext, options: CommonOptions): Promise<Session> {
  const folder = chosenDataDir(context, options);
  const agent = await readAgentFile(folder);
  if (agent === null) throw noAgent(folder);
  return { dataDir: folder, agent, client: new ControlClient(addressOf(agent)) };
}

/** Where the agent of this folder is now; null while there is none. */
export async function currentAddress(folder: string): Promise<AgentAddress | null> {
  const agent = await readAgentFile(folder);
  return agent === null ? null : addressOf(agent);
}

function addressOf(agent: AgentFile): AgentAddress {
  return { url: agent.controlUrl, token: agent.controlToken };
}
