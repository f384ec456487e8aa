import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeOllamaChatBehaviour, FakeOllamaChatState } from './fake-ollama-chat-behaviour.ts';

/** The fake upstream of the Ollama dialect, running: `await using fake = await FakeOllamaChat.start();`. */
export class FakeOllamaChat implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<FakeOllamaChat> {
    const script = fileURLToPath(new URL('fake-ollama-chat.ts', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeOllamaChat(child, Number(port.toString()));
  }

  async behave(behaviour: Partial<FakeOllamaChatBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  state(): Promise<FakeOllamaChatState> {
    return this.#call('/_fake/state', {});
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeOllamaChatState> {
    return this.#call('/_fake/idle', {});
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
