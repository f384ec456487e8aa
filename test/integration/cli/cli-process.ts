import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../../build/bundling/product.ts';
import { cleanEnvironment } from '../../fixtures/agent-process.ts';

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
}

/** The built command line in a process of its own. */
export class CliProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  #stdout = '';
  #stderr = '';
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(args: readonly string[], { dataDir, env = {}, input = '' }: CliOptions) {
    this.child = spawn(process.execPath, [join(projectRoot, 'dist/cli.js'), ...args], {
      env: cleanEnvironment({ ...env, RANCH_HAND_DATA_DIR: dataDir }),
      stdio: 'pipe',
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#wake();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    this.child.stdin?.end(input);
    this.ended = new Promise((resolve) => {
      this.child.on('close', (exitCode) => {
        this.#closed = true;
        this.#wake();
        resolve({ exitCode, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Waits until standard output (or error) so far satisfies the test. Throws when the process ends before. */
  async until(satisfied: (stdout: string, stderr: string) => boolean): Promise<void> {
    while (!satisfied(this.#stdout, this.#stderr)) {
      // Not as soon as it has exited: what it wrote last may still be on its way.
      if (this.#closed) throw new Error(`It ended first:\n${this.#stdout}\n${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs one command line to its end. */
export function cli(args: readonly string[], options: CliOptions): Promise<Outcome> {
  return new CliProcess(args, options).ended;
}

/** Every line of an NDJSON text, parsed. */
export function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
