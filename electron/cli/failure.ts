import { exitCodes } from './context.ts';

/** A failure that a verb found itself. `message` says what happened, then what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** How a failure is told: one line on standard error, and the exit code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** Any thrown value as a {@link Failure}. Errors of the agent and of its client keep their own code and words. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return { code: error.code, message: error.message, exitCode: error.exitCode };
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error) ?? 'internal';
  return { code, message, exitCode: code === 'agent_not_running' ? exitCodes.noAgent : exitCodes.failed };
}

export function noAgent(dataDir: string): CliError {
  return new CliError(
    'agent_not_running',
    `No agent is running with the data folder ${dataDir}. Start one with: ranch-hand agent`,
    exitCodes.noAgent,
  );
}

export function wrongUsage(message: string): CliError {
  return new CliError('usage', message, exitCodes.usage);
}

/** The string `code` of an error, ours or the system's. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
