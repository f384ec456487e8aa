import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FakeOllamaBehaviour, FakeOllamaState } from './fake-ollama.ts';

const script = fileURLToPath(new URL('fake-ollama.ts', import.meta.url));

/** Calls the steering routes of a fake Ollama, whoever started it. */
export class FakeOllamaControl {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async behave(behaviour: Partial<FakeOllamaBehaviour>): Promise<void> {
    await this.#call('behaviour', behaviour);
  }

  state(): Promise<FakeOllamaState> {
    return this.#call('state', {});
  }

  async finishLoad(): Promise<void> {
    await this.#call('finish-load', {});
  }

  async #call(name: string, body: object): Promise<FakeOllamaState> {
    const response = await fetch(`${this.url}/_fake/${name}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as FakeOllamaState;
  }
}

/** A fake Ollama that the operator runs: `await using fake = await FakeOllama.start();`. */
export class FakeOllama extends FakeOllamaControl implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    super(`http://127.0.0.1:${port}`);
    this.port = port;
    this.pid = child.pid ?? -1;
    this.#child = child;
  }

  static async start(port = 0): Promise<FakeOllama> {
    const child = spawn(process.execPath, [script, 'serve'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { OLLAMA_HOST: `127.0.0.1:${port}` },
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeOllama(child, Number(line.toString()));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Writes a program `ollama` into the folder that is the fake one; returns its path. */
export function fakeOllamaProgram(folder: string, version = '0.17.4'): string {
  const file = join(folder, 'ollama');
  writeFileSync(file, `#!/bin/sh\nFAKE_OLLAMA_VERSION=${version} exec "${process.execPath}" "${script}" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}
