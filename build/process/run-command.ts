import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Show the output as it comes instead of only keeping its end. */
  readonly show?: boolean;
}

export interface RunResult {
  /** Exit code, or null if a signal ended it or it could not be started. */
  readonly code: number | null;
  /** stdout and stderr as they came, only the last 64 KiB of them. */
  readonly output: string;
}

const keptCharacters = 64 * 1024;

/** Runs a program to its end without a shell. Never throws for an exit code: a program that cannot start has code null. */
export function runCommand(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk: string): void => {
      output = (output + chunk).slice(-keptCharacters);
      if (options.show === true) process.stdout.write(chunk);
    };
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGTERM',
    });
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => resolve({ code: null, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** As `runCommand`, but an exit code other than 0 is an error that carries the end of the output. Returns the output. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, output } = await runCommand(command, args, options);
  if (code !== 0) {
    const end = output.trim().split('\n').slice(-12).join('\n');
    throw new Error(
      `${command} ${args.slice(0, 4).join(' ')} failed (${code ?? 'ended by a signal or not started'}):\n${end}`,
    );
  }
  return output;
}
