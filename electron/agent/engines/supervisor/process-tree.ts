import { execFile, spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import { LineSplitter } from './line-splitter.ts';

export interface ProcessTreeOptions {
  readonly executable: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited. See {@link bareEnvironment}. */
  readonly env: Readonly<Record<string, string>>;
  /** Written to its stdin, which then stays open: its end tells the process that its parent is gone. */
  readonly firstInput: string;
  readonly longestLine: number;
}

export interface ProcessTreeListener {
  line(stream: 'stdout' | 'stderr', text: string): void;
  exited(code: number | null, signal: string | null): void;
}

/** What a started program may hold open after its end, before its last lines are no longer waited for. */
const lastLinesMs = 200;

const inheritedNames = ['SystemRoot', 'windir', 'TEMP', 'TMP', 'TMPDIR', 'LD_LIBRARY_PATH', 'LANG'];

/**
 * The few variables that a program needs to run at all: no key, no path, no home of the operator gets into a child.
 * `named` are those that the caller wants it to have besides; they win.
 */
export function bareEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  named: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const inherited = inheritedNames.flatMap((name) => {
    const value = from[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...named };
}

/** A started program and everything it starts: on POSIX a process group of its own, on Windows its process tree. */
export class ProcessTree {
  readonly pid: number;
  readonly #child: ChildProcess;
  #ended = false;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
  }

  /** Rejects when the program cannot be started. The listener hears nothing before that is settled. */
  static async start(
    options: ProcessTreeOptions,
    listener: ProcessTreeListener,
    deps: { clock: Clock },
  ): Promise<ProcessTree> {
    const child = spawn(options.executable, options.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...options.env },
      // A group of its own: one signal reaches all of it, and a Ctrl-C in the terminal does not.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    // A pipe to a process that has just died reports EPIPE; its exit says all there is to say.
    child.stdin.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid === undefined) throw new Error('The program has no process id.');
    const tree = new ProcessTree(child, child.pid);
    tree.#listen(options, listener, deps.clock);
    child.stdin.write(options.firstInput);
    return tree;
  }

  /** `gently` asks the program to end; `now` kills it with everything it started. */
  end(how: 'gently' | 'now'): void {
    if (this.#ended) return;
    // Windows knows no gentle way for a process without a window.
    if (how === 'now' || process.platform === 'win32') killTree(this.pid);
    else signalGroup(this.pid, 'SIGTERM');
  }

  #listen(options: ProcessTreeOptions, listener: ProcessTreeListener, clock: Clock): void {
    const child = this.#child;
    const splitters = (['stdout', 'stderr'] as const).map((stream) => {
      const splitter = new LineSplitter({ longestLine: options.longestLine }, (line) => {
        listener.line(stream, line);
      });
      child[stream]?.on('data', (bytes: Buffer) => {
        splitter.push(bytes);
      });
      return splitter;
    });
    child.on('error', () => undefined);
    child.once('exit', (code, signal) => {
      this.#ended = true;
      // Whatever it started must not outlive it, nor keep its port or its memory.
      if (process.platform !== 'win32') signalGroup(this.pid, 'SIGKILL');
      let told = false;
      const tell = (): void => {
        if (told) return;
        told = true;
        cancel();
        for (const splitter of splitters) splitter.end();
        child.stdout?.destroy();
        child.stderr?.destroy();
        listener.exited(code, signal);
      };
      // `close` comes once the last lines are read, unless something else holds the pipes open.
      const cancel = clock.after(lastLinesMs, tell);
      child.once('close', tell);
    });
  }
}

/** Kills a program that was started as a {@link ProcessTree}, with everything it started. */
export function killTree(pid: number): void {
  if (process.platform === 'win32') execFile('taskkill', ['/PID', String(pid), '/T', '/F'], () => undefined);
  else signalGroup(pid, 'SIGKILL');
}

/** Signals every process of the group; a group that is gone is no error. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
