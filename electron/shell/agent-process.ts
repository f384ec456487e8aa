import { spawn } from 'node:child_process';
import { constants, type PathLike } from 'node:fs';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AgentCommand } from './agent-command.ts';
import type { AgentExit } from './agent-restart.ts';

/** An agent that could not be started; the message is for people and says what to do. */
export class AgentStartError extends Error {
  override readonly name = 'AgentStartError';
}

export interface AgentChild {
  readonly pid: number;
  /** Settles when it ends; never rejects. */
  readonly exit: Promise<AgentExit>;
  /** What it last said on its error output; empty when nothing. */
  readonly lastWords: () => Promise<string>;
}

/**
 * Starts the agent so that it outlives the shell: a session of its own, nothing inherited but the environment, and its
 * error output in a file, because a pipe would break under it when the shell ends.
 */
export async function startAgent(
  command: AgentCommand,
  options: { readonly dataDir: string; readonly env: Record<string, string> },
): Promise<AgentChild> {
  for (const file of [command.program, ...command.args.slice(0, 1)]) await mustExist(file);
  const wordsFile = join(options.dataDir, 'logs', 'agent-start.log');
  await mkdir(dirname(wordsFile), { recursive: true, mode: 0o700 });
  const words = await open(wordsFile, 'w', 0o600);
  try {
    const child = spawn(command.program, [...command.args], {
      cwd: options.dataDir,
      env: options.env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', words.fd],
    });
    const exit = new Promise<AgentExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    child.unref();
    if (child.pid === undefined) throw new AgentStartError(`${command.program} could not be started.`);
    return { pid: child.pid, exit, lastWords: () => lastLine(wordsFile) };
  } finally {
    await words.close();
  }
}

async function mustExist(file: PathLike & string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new AgentStartError(`${basename(file)} is missing. Install Ranch Hand again, or in a checkout run npm ci.`);
  }
}

/** The last line; where it is one of the agent's own sentences, without what stands around it for terminals. */
async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return /^ranch-hand: (.+) \[\w+\]$/u.exec(line)?.[1] ?? line;
}
