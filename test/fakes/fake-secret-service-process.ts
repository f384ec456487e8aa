import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A session bus of a test's own, with a fake keyring on it where one is wanted. */
export class FakeDesktop implements AsyncDisposable {
  readonly #folder: string;
  readonly #children: ChildProcess[];

  private constructor(folder: string, children: ChildProcess[]) {
    this.#folder = folder;
    this.#children = children;
  }

  static async start({ keyring }: { readonly keyring: boolean }): Promise<FakeDesktop> {
    const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-bus-'));
    const socket = join(folder, 'bus');
    const line = ['--session', '--nofork', '--nopidfile', `--address=unix:path=${socket}`, '--print-address=1'];
    const bus = spawn('dbus-daemon', line, { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(bus.stdout, 'data');
    const desktop = new FakeDesktop(folder, [bus]);
    if (keyring) await desktop.#add(socket);
    return desktop;
  }

  /** What a program of this session has in its environment. */
  get env(): Record<string, string> {
    return { DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(this.#folder, 'bus')}` };
  }

  /** `unlock` is the password, typed; `dismiss` sends the question away. */
  async keyring(order: 'lock' | 'unlock' | 'dismiss'): Promise<void> {
    const child = this.#children[1];
    if (!child?.stdin || !child.stdout) throw new Error('There is no keyring here.');
    const done = once(child.stdout, 'data');
    child.stdin.write(`${order}\n`);
    await done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #add(socket: string): Promise<void> {
    const script = fileURLToPath(new URL('fake-secret-service.ts', import.meta.url));
    const child = spawn(process.execPath, [script, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    await once(child.stdout, 'data');
  }
}
