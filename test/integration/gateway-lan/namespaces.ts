import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline';
import { promisify } from 'node:util';
import { findProgram } from '../../fixtures/test-engine.ts';

/** Why two machines cannot be played here; null when they can. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  if (findProgram(['ip']) === undefined) return 'ip is not installed';
  const name = `rh-try-${randomBytes(3).toString('hex')}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    return null;
  } catch {
    return 'this machine lets nobody make network namespaces';
  }
}

/**
 * Two machines on a network of their own, as far as the kernel is concerned: each has its loopback and one cable to the
 * other. Nothing of it can be seen from any real network.
 */
export class TwoMachines implements Disposable {
  readonly node: Machine;
  readonly other: Machine;

  constructor() {
    const id = randomBytes(3).toString('hex');
    this.node = new Machine(`rh-node-${id}`, { four: '10.77.0.1', six: 'fd77::1' });
    this.other = new Machine(`rh-other-${id}`, { four: '10.77.0.2', six: 'fd77::2' });
    const [here, there] = [`rhn${id}`, `rho${id}`];
    run('ip', ['link', 'add', here, 'type', 'veth', 'peer', 'name', there]);
    this.node.plug(here);
    this.other.plug(there);
  }

  [Symbol.dispose](): void {
    this.node.remove();
    this.other.remove();
  }
}

/** One of the two. */
export class Machine {
  readonly four: string;
  readonly six: string;
  readonly #name: string;
  #cable = '';

  constructor(name: string, addresses: { readonly four: string; readonly six: string }) {
    this.#name = name;
    this.four = addresses.four;
    this.six = addresses.six;
    run('ip', ['netns', 'add', name]);
    this.#ip('link', 'set', 'lo', 'up');
  }

  plug(cable: string): void {
    this.#cable = cable;
    run('ip', ['link', 'set', cable, 'netns', this.#name]);
    this.addAddress(`${this.four}/24`);
    // Without the wait for somebody else with the same address.
    this.#ip('addr', 'add', `${this.six}/64`, 'dev', cable, 'nodad');
    this.#ip('link', 'set', cable, 'up');
  }

  /** Gives it another address while programs run on it. */
  addAddress(address: string): void {
    this.#ip('addr', 'add', address, 'dev', this.#cable);
  }

  /** Put before a command, it runs on this machine. */
  get runner(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  /** Starts one of our scripts on it. */
  start(script: string): Program {
    return new Program([...this.runner, process.execPath, script]);
  }

  /** Runs one of our scripts on it and returns what it printed. */
  async run(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
    const [program, ...before] = [...this.runner, process.execPath];
    const { stdout } = await promisify(execFile)(program, [...before, script, ...args], { env });
    return stdout;
  }

  remove(): void {
    run('ip', ['netns', 'del', this.#name]);
  }

  #ip(...args: readonly string[]): void {
    run('ip', ['-n', this.#name, ...args]);
  }
}

/** A running script that answers each line that it is given with a line of JSON. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #lines: AsyncIterator<string>;

  constructor([program = '', ...args]: readonly string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const reader: Interface = createInterface({ input: child.stdout });
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** What it says next. */
  async next(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('The program has ended.');
    return JSON.parse(line.value) as unknown;
  }

  /** Gives it a line and waits for what it says. */
  ask(line: unknown): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    return this.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}
