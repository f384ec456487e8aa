import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentFile } from '../../contract/agent-file.ts';
import { readAgentFile } from '../../host/agent-file.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError } from '../failure.ts';
import { safeJson } from '../output/text.ts';
import { chosenDataDir } from '../session.ts';

export interface AgentOptions extends CommonOptions {
  readonly gateway?: string;
  readonly control?: string;
  readonly set?: readonly string[];
  readonly logLevel?: string;
}

/** How often `agent.json` is looked for while the agent starts. */
const lookEveryMs = 100;

/**
 * `ranch-hand agent`: runs the agent's bundle in the foreground with this Node and ends as it ends. With `--json`, one
 * document once the agent is up; what the agent itself prints then goes to standard error.
 */
export async function agent(context: CliContext, options: AgentOptions): Promise<ExitCode> {
  const json = options.json === true;
  const bundle = join(context.programDir, 'agent.js');
  if (!existsSync(bundle))
    throw new CliError('agent_missing', `The agent is not built: ${bundle} is missing. Run: npm run build`);
  const child = spawn(context.nodePath, [bundle, ...agentArguments(options)], {
    stdio: ['inherit', json ? context.stderr : 'inherit', 'inherit'],
    env: { ...context.env },
  });
  const release = relaySignals(child, context.stdin.isTTY || context.stdout.isTTY || context.stderr.isTTY);
  const ended = exitOf(child);
  try {
    if (json) {
      const up = await whenUp(chosenDataDir(context, options), child, ended);
      if (up !== null) context.stdout.write(`${safeJson(publicPart(up))}\n`);
    }
    return await ended;
  } finally {
    release();
  }
}

/** The agent's own command line for these options. */
export function agentArguments(options: AgentOptions): string[] {
  const pairs = [
    ['--gateway', options.gateway],
    ['--control', options.control],
    ['--log-level', options.logLevel],
    ['--data-dir', options.dataDir === undefined ? undefined : resolve(options.dataDir)],
    ...(options.set ?? []).map((setting) => ['--set', setting] as const),
  ] as const;
  return pairs.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}

/**
 * Passes on what asks us to stop. Ctrl-C is not passed on where there is a terminal: it has reached the agent already,
 * being in the same foreground group, and a second one could be taken for impatience.
 */
function relaySignals(child: ChildProcess, onTerminal: boolean): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, pass);
  return () => {
    for (const name of names) process.off(name, pass);
  };
}

/** The agent's exit code; 128 + the signal's number when a signal ended it, as shells have it. */
function exitOf(child: ChildProcess): Promise<ExitCode> {
  return new Promise((end, reject) => {
    child.once('error', (cause) => {
      reject(new CliError('agent_not_startable', `The agent could not be started: ${cause.message}`));
    });
    child.once('exit', (code, signal) => {
      end(code ?? (signal === null ? exitCodes.failed : 128 + constants.signals[signal]));
    });
  });
}

async function whenUp(dataDir: string, child: ChildProcess, ended: Promise<ExitCode>): Promise<AgentFile | null> {
  const over = ended.then(
    () => true,
    () => true,
  );
  for (;;) {
    const file = await readAgentFile(dataDir);
    if (file !== null && file.pid === child.pid) return file;
    if (await Promise.race([over, pause(lookEveryMs, false)])) return null;
  }
}

/** Without the token: this goes to a terminal or a log. */
function publicPart({ pid, version, startedAt, controlUrl, gatewayUrl }: AgentFile): Omit<AgentFile, 'controlToken'> {
  return { pid, version, startedAt, controlUrl, gatewayUrl };
}
