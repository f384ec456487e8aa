import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeProviderBehaviour, FakeProviderState, ProviderWire } from './fake-openai-provider-behaviour.ts';

/** A fake provider of OpenAI's dialect, running: `await using fake = await FakeOpenAiProvider.start('xai');`. */
export class FakeOpenAiProvider implements AsyncDisposable {
  readonly wire: ProviderWire;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(wire: ProviderWire, child: ChildProcess, port: number) {
    this.wire = wire;
    this.#child = child;
    this.port = port;
  }

  static async start(wire: ProviderWire): Promise<FakeOpenAiProvider> {
    const script = fileURLToPath(new URL('fake-openai-provider.ts', import.meta.url));
    const child = spawn(process.execPath, [script, wire], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeOpenAiProvider(wire, child, Number(port.toString()));
  }

  /** As an operator writes it into the settings. */
  get url(): string {
    return `http://127.0.0.1:${this.port}${this.wire === 'openrouter' ? '/api' : ''}`;
  }

  async behave(behaviour: Partial<FakeProviderBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  state(): Promise<FakeProviderState> {
    return this.#call('/_fake/state', {});
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
