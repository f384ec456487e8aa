import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeAnthropicBehaviour, FakeAnthropicState, FakeBill } from './fake-anthropic-behaviour.ts';

/** The fake upstream of the Anthropic dialect, running: `await using fake = await FakeAnthropic.start();`. */
export class FakeAnthropic implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<FakeAnthropic> {
    const script = fileURLToPath(new URL('fake-anthropic.ts', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeAnthropic(child, Number(port.toString()));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async behave(behaviour: Partial<FakeAnthropicBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  state(): Promise<FakeAnthropicState> {
    return this.#call('/_fake/state', {});
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeAnthropicState> {
    return this.#call('/_fake/idle', {});
  }

  /** All that was billed so far, in the order in which it was over. */
  bills(): Promise<FakeBill[]> {
    return this.#call('/_fake/bills', {});
  }

  /** Lets the answers begin that are held. */
  async release(): Promise<void> {
    await this.#call('/_fake/release', {});
  }

  /** Forgets the requests so far. */
  async forget(): Promise<void> {
    await this.#call('/_fake/forget', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #call<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as Answer;
  }
}
