import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeSpeechBehaviour, FakeSpeechState } from './fake-speech-behaviour.ts';

/** The fake provider of speech, running: `await using fake = await FakeSpeech.start();`. */
export class FakeSpeech implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<FakeSpeech> {
    const script = fileURLToPath(new URL('fake-speech.ts', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeSpeech(child, Number(port.toString()));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What is left out is as usual. */
  async behave(behaviour: Partial<FakeSpeechBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  state(): Promise<FakeSpeechState> {
    return this.#call('/_fake/state', {});
  }

  /** Resolves when nothing is being spoken any more. */
  idle(): Promise<FakeSpeechState> {
    return this.#call('/_fake/idle', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #call<Answer>(path: string, body: object): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as Answer;
  }
}
