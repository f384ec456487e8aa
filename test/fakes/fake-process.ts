import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A fake that has told its port. */
export interface StartedFake {
  readonly child: ChildProcess;
  readonly port: number;
}

/**
 * Runs a script of this folder, which writes its port in one line. `pin` prefixes the command, such as
 * `['taskset', '-c', '1']`.
 */
export async function startFake(
  script: string,
  words: readonly string[] = [],
  pin: readonly string[] = [],
): Promise<StartedFake> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const line = [...pin, process.execPath, path, ...words];
  const child = spawn(line[0] ?? process.execPath, line.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, port: Number(port.toString()) };
}

/** A fake server, running in a process of its own until it is disposed of: told over HTTP how to behave. */
export abstract class FakeProcess<Behaviour extends object, State> implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  protected constructor({ child, port }: StartedFake) {
    this.#child = child;
    this.port = port;
  }

  /** What is left out is as usual. */
  async behave(behaviour: Partial<Behaviour>): Promise<void> {
    await this.call('/_fake/behaviour', behaviour);
  }

  state(): Promise<State> {
    return this.call('/_fake/state', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  protected async call<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as Answer;
  }
}
