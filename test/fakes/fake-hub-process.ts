import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FakeHubBehaviour, FakeHubFile, FakeHubRequest } from './fake-hub-behaviour.ts';

/** The fake hub, running: `await using hub = await FakeHub.start([{ repo, path, file }]);`. */
export class FakeHub implements AsyncDisposable {
  readonly port: number;
  /** Of the host that files are redirected to. */
  readonly filesPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: { hub: number; files: number }) {
    this.#child = child;
    this.port = ports.hub;
    this.filesPort = ports.files;
  }

  static async start(files: readonly FakeHubFile[]): Promise<FakeHub> {
    const script = fileURLToPath(new URL('fake-hub.ts', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(files)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [ports] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeHub(child, JSON.parse(ports.toString()) as { hub: number; files: number });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async behave(behaviour: Partial<FakeHubBehaviour>): Promise<void> {
    await this.#call('/_fake/behaviour', behaviour);
  }

  async requests(): Promise<FakeHubRequest[]> {
    return (await this.#call('/_fake/state', {})).requests;
  }

  /** Digest of a file, 64 hex digits. */
  async digestOf(repo: string, path: string): Promise<string> {
    return (await this.#call('/_fake/state', {})).digests[`${repo}/${path}`] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #call(path: string, body: object): Promise<{ requests: FakeHubRequest[]; digests: Record<string, string> }> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return (await response.json()) as { requests: FakeHubRequest[]; digests: Record<string, string> };
  }
}
