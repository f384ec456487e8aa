/** What the outside world lends a verb. Only `main.ts` takes it from the process. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly homeDir: string;
  /** The Node binary that runs this program, with which the agent is run too. */
  readonly nodePath: string;
  readonly nodeVersion: string;
  /** Folder of the built program: the agent's bundle lies in it, the packages above it. */
  readonly programDir: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Options that every verb has. */
export interface CommonOptions {
  /** One JSON document on standard output (or one a line, where the verb streams) and nothing else there. */
  readonly json?: boolean;
  readonly dataDir?: string;
}

/** What a verb resolves to: the process's exit code. Failures are thrown; see `failure.ts`. */
export type ExitCode = number;

export const exitCodes = { done: 0, failed: 1, usage: 2, noAgent: 3 } as const;

/** Cells a line may take where the terminal does not tell. */
const usualColumns = 80;

/** Cells of a line of the terminal; 80 where there is none. */
export function screenColumns(output: NodeJS.WriteStream): number {
  return output.isTTY && output.columns > 0 ? output.columns : usualColumns;
}

/** As {@link screenColumns}, but a table that goes to a file or a pipe is never cut: a script may want whole names. */
export function tableColumns(output: NodeJS.WriteStream): number {
  return output.isTTY ? screenColumns(output) : Number.MAX_SAFE_INTEGER;
}
