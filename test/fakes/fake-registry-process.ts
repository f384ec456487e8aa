import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FileFaults } from './fake-hub-faults.ts';

/** A tag of a model in the fake registry, and the file that it serves for it. */
export interface FakeRegistryModel {
  /** Such as `library/gemma`. */
  readonly name: string;
  readonly tag: string;
  readonly file: string;
  /** Such as 8.0B. */
  readonly type: string;
  readonly quantization: string;
}

/** What goes wrong: {@link FileFaults} with blobs, `status` with manifests too. */
export interface FakeRegistryFaults extends FileFaults {
  /** So many manifests are answered yet; from then on there is no answer. Null: all are. */
  quietAfter: number | null;
}

/** The fake registry, running: `await using registry = await FakeRegistry.start(folder, models);`. */
export class FakeRegistry implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `folder`: where it may write small files. */
  static async start(folder: string, models: readonly FakeRegistryModel[]): Promise<FakeRegistry> {
    const script = fileURLToPath(new URL('fake-registry.ts', import.meta.url));
    const child = spawn(process.execPath, [script, folder, JSON.stringify(models)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeRegistry(child, Number(port.toString()));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async behave(faults: Partial<FakeRegistryFaults>): Promise<void> {
    await this.#call('/_fake/behaviour', faults);
  }

  /** Such as `GET /v2/library/gemma/manifests/270m`, oldest first. */
  async requests(): Promise<string[]> {
    return (await this.#call('/_fake/state', {})).requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #call(path: string, body: object): Promise<{ requests: string[] }> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as { requests: string[] };
  }
}
