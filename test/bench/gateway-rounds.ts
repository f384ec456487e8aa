import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import type { ArmFigures, ArmOrder, ArmReady } from './gateway-arm-orders.ts';
import type { ArmBundle } from './gateway-bundle.ts';
import type { LoadFigures, LoadOrder } from './gateway-load.ts';

/** What one arm did in one round. */
export interface Round {
  readonly load: LoadFigures;
  readonly cpuMicros: number;
  readonly after: ArmFigures;
}

/** `taskset -c CORES` where it exists, so that arms and callers do not share a core. */
export function pinTo(cores: string): readonly string[] {
  return spawnSync('taskset', ['-c', cores, 'true']).status === 0 ? ['taskset', '-c', cores] : [];
}

/** A process of the bench that speaks IPC. */
export class BenchProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Messages that came before anybody asked: two may arrive in one read. */
  readonly #unread: unknown[] = [];
  #waiting: ((message: unknown) => void) | null = null;

  /** `script`: a file of this folder, or an absolute path. */
  constructor(pin: readonly string[], script: string, args: readonly string[] = []) {
    const file = resolvePath(import.meta.dirname, script);
    const [command, ...rest] = [...pin, process.execPath, file, ...args];
    this.#child = spawn(command ?? process.execPath, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting) waiting(message);
      else this.#unread.push(message);
    });
  }

  send(message: object): void {
    this.#child.send(message);
  }

  /** The next message that it sends; gives up after a minute, for a bench must not hang. */
  async next<Message>(): Promise<Message> {
    if (this.#unread.length > 0) return this.#unread.shift() as Message;
    let timer: NodeJS.Timeout | undefined;
    const message = await new Promise<unknown>((resolve, reject) => {
      this.#waiting = resolve;
      timer = setTimeout(() => reject(new Error('a process of the bench does not answer')), 60_000);
    });
    clearTimeout(timer);
    return message as Message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

export class Arm implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly key: string | null;
  readonly #process: BenchProcess;

  private constructor(name: string, { port, key }: ArmReady, process: BenchProcess) {
    this.name = name;
    this.port = port;
    this.key = key;
    this.#process = process;
  }

  static async start(
    bundle: ArmBundle,
    pin: readonly string[],
    { slots = 4_096, folder = null, ...order }: Pick<ArmOrder, 'kind' | 'upstreamPort'> & Partial<ArmOrder>,
  ): Promise<Arm> {
    const process = new BenchProcess(pin, bundle.script, [JSON.stringify({ ...order, slots, folder })]);
    return new Arm(order.kind, await process.next<ArmReady>(), process);
  }

  figures(): Promise<ArmFigures> {
    this.#process.send({});
    return this.#process.next<ArmFigures>();
  }

  /** Runs one round of load against this arm. */
  async round(callers: BenchProcess, order: Omit<LoadOrder, 'port' | 'key'>): Promise<Round> {
    callers.send({ ...order, port: this.port, ...(this.key === null ? {} : { key: this.key }) } satisfies LoadOrder);
    await callers.next();
    const before = await this.figures();
    await callers.next();
    const after = await this.figures();
    const load = await callers.next<LoadFigures>();
    return { load, cpuMicros: after.cpuMicros - before.cpuMicros, after };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  /** Whether the value may be at most, or must be at least, the limit. */
  readonly holds: 'at most' | 'at least';
}

/** Prints the bars and the doubts, and sets the exit code: 0 all hold, 1 one was missed, 2 no verdict. */
export function judge(bars: readonly Bar[], doubts: readonly string[]): void {
  console.log('\nbar                                       value   limit');
  let missed = false;
  for (const { name, value, limit, holds } of bars) {
    const good = holds === 'at most' ? value <= limit : value >= limit;
    if (!good) missed = true;
    const sign = holds === 'at most' ? '≤' : '≥';
    console.log(
      `${name.padEnd(40)} ${value.toFixed(2).padStart(6)}  ${sign} ${limit.toFixed(2).padStart(5)}   ${good ? 'holds' : 'MISSED'}`,
    );
  }
  for (const doubt of doubts) console.log(`no verdict: ${doubt}`);
  console.log(`load of the machine over the last minute: ${loadavg()[0]?.toFixed(1) ?? ''}`);
  process.exitCode = doubts.length > 0 ? 2 : missed ? 1 : 0;
}

/** The value below which `share` (0–1) of the values lie; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Median and, in brackets, least and most. */
export function spread(values: readonly number[], digits: number): string {
  const of = (value: number): string => value.toFixed(digits);
  return `${of(median(values))} (${of(Math.min(...values))}–${of(Math.max(...values))})`;
}
