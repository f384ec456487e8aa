import { spawn, type ChildProcess } from 'node:child_process';

export interface RunningOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Extra file descriptors from 3 on are pipes to read from. */
  readonly extraPipes?: number;
  readonly stdin?: boolean;
}

/** A program of the test's own, in a process group of its own, so that all it started ends with it. */
export class Running implements AsyncDisposable {
  readonly name: string;
  readonly child: ChildProcess;
  /** Settles when it is gone; never rejects. */
  readonly exited: Promise<void>;
  #output = '';
  readonly #listeners = new Set<() => void>();

  constructor(program: string, args: readonly string[], options: RunningOptions) {
    this.name = program;
    const pipes = Array.from({ length: options.extraPipes ?? 0 }, () => 'pipe' as const);
    this.child = spawn(program, [...args], {
      env: options.env,
      detached: true,
      stdio: [options.stdin === true ? 'pipe' : 'ignore', 'pipe', 'pipe', ...pipes],
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', () => resolve());
      this.child.once('error', (error) => {
        this.#add(`\n${error.message}\n`);
        resolve();
      });
    });
    for (const stream of this.child.stdio.slice(1)) {
      if (stream && 'read' in stream) stream.setEncoding('utf8').on('data', (text: string) => this.#add(text));
    }
    void this.exited.then(() => this.#add(''));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} could not be started: ${this.#output}`);
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it wrote, on all pipes. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has written something that fits, from `from` on; gives the match. Rejects when it ends before. */
  async says(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output.slice(from));
      if (match) return match;
      if (!this.isRunning) throw new Error(`${this.name} ended without ${String(pattern)}:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        const heard = (): void => {
          this.#listeners.delete(heard);
          resolve();
        };
        this.#listeners.add(heard);
      });
    }
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Ends it and all that it started, and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.pid !== undefined) {
      try {
        process.kill(-this.child.pid, signal);
      } catch {
        // Gone already.
      }
    }
    await this.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  #add(text: string): void {
    this.#output = (this.#output + text).slice(-512 * 1024);
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Asks again, a few times a second, until the answer is neither null nor false. Rejects after `limitMs`. */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | null | false> | Answer | null | false,
  limitMs = 40_000,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`Waited ${limitMs / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
