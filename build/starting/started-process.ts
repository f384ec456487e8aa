import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Longest wait after the request to stop before a process is killed; the agent itself takes at most 10 s. */
const stopLimitMs = 13_000;

/** A process that this start started and therefore ends. */
export class StartedProcess {
  /** Its exit code, 128 + the signal's number if one ended it. Never rejects. */
  readonly ended: Promise<number>;
  readonly pid: number | undefined;
  readonly #child: ChildProcess;

  /**
   * The process gets a group of its own, so that Ctrl-C in the terminal reaches only this program, which then stops
   * the others in order and once.
   */
  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, {
      env,
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.pid = this.#child.pid;
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        console.error(`${program} could not be started: ${error.message}`);
        resolve(1);
      });
      this.#child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal if the process still runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Asks it to stop in its own way, waits for it, and kills it if it does not. */
  async stop(ask: () => void | Promise<void> = () => this.signal('SIGTERM')): Promise<void> {
    if (!this.running) return;
    const killer = setTimeout(() => this.signal('SIGKILL'), stopLimitMs);
    await ask();
    await this.ended;
    clearTimeout(killer);
  }
}
