import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeBehaviour, FakeState } from './fake-openai-behaviour.ts';

/** The fake upstream, running: `await using fake = await FakeOpenAi.start();`. */
export class FakeOpenAi implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `pin` prefixes the command, such as `['taskset', '-c', '1']`. */
  static async start(pin: readonly string[] = []): Promise<FakeOpenAi> {
    const script = fileURLToPath(new URL('fake-openai.ts', import.meta.url));
    const line = [...pin, process.execPath, script];
    const child = spawn(line[0] ?? process.execPath, line.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeOpenAi(child, Number(port.toString()));
  }

  async behave(behaviour: Partial<FakeBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  state(): Promise<FakeState> {
    return this.#call('/_fake/state', {});
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeState> {
    return this.#call('/_fake/idle', {});
  }

  /** Closes every connection but the one that asks. */
  async closeSockets(): Promise<void> {
    await this.#call('/_fake/close-sockets', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #call<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as Answer;
  }
}
