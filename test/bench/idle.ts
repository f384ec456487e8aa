/**
 * Bar P15: what an agent that has nothing to do takes of its machine, beside a bare Node process with an http server
 * that runs at the same time. Needs the built agent (`npm run build`) and Linux.
 *
 *   node test/bench/idle.ts [--seconds 60] [--settle 20] [-- more arguments of the agent]
 *
 * Two agents are measured: one that nobody follows, and one whose event stream is read, as a tray does.
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agentFileSchema, type AgentFile } from '../../electron/contract/agent-file.ts';
import { ControlClient } from '../../electron/client/control-client.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, settle: { type: 'string', default: '20' } },
});
const seconds = Number(values.seconds);
const settleMs = Number(values.settle) * 1_000;
const agentScript = join(import.meta.dirname, '../../dist/agent.js');
const bareServer = "require('node:http').createServer((q, s) => s.end()).listen(0, '127.0.0.1')";

interface Usage {
  readonly rssBytes: number;
  /** Of which not shared with files. */
  readonly anonymousBytes: number;
  readonly cpuNs: number;
  readonly wakeUps: number;
}

interface Figures {
  readonly name: string;
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  /** Percent of one core. */
  readonly cpuPercent: number;
  readonly wakeUpsPerSecond: number;
}

class MeasuredProcess implements AsyncDisposable {
  readonly name: string;
  readonly child: ChildProcess;

  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.name = name;
    this.child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  }

  usage(): Usage {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'latin1');
    const tasks = readdirSync(`/proc/${this.#pid}/task`);
    const sum = (read: (task: string) => number): number => tasks.reduce((total, task) => total + read(task), 0);
    return {
      rssBytes: kilobytes(status, 'VmRSS') * 1024,
      anonymousBytes: kilobytes(status, 'RssAnon') * 1024,
      // Nanoseconds on a CPU, for each thread; /proc/PID/stat counts in hundredths of a second.
      cpuNs: sum((task) => Number(this.#task(task, 'schedstat').split(' ')[0])),
      wakeUps: sum((task) => kilobytes(this.#task(task, 'status'), 'voluntary_ctxt_switches')),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }

  get #pid(): number {
    if (this.child.pid === undefined || this.child.exitCode !== null) throw new Error(`${this.name} does not run`);
    return this.child.pid;
  }

  #task(task: string, file: string): string {
    return readFileSync(`/proc/${this.#pid}/task/${task}/${file}`, 'latin1');
  }
}

/** The built agent with a folder and ports of its own. */
class MeasuredAgent extends MeasuredProcess {
  readonly #dataDir: string;

  constructor(name: string) {
    const dataDir = mkdtempSync(join(tmpdir(), 'ranch-hand-idle-'));
    const args = [agentScript, '--gateway', '127.0.0.1:0', ...positionals];
    super(name, args, { ...process.env, RANCH_HAND_DATA_DIR: dataDir });
    this.#dataDir = dataDir;
  }

  /** Resolves when it answers. */
  async ready(): Promise<AgentFile> {
    const path = join(this.#dataDir, 'agent.json');
    while (!existsSync(path)) {
      if (this.child.exitCode !== null) throw new Error(`${this.name} ended with code ${this.child.exitCode}`);
      await pause(50);
    }
    return agentFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

if (process.platform !== 'linux' || !existsSync(agentScript)) {
  console.error('This bench needs Linux, and the built agent: npm run build');
  process.exit(2);
}

const watching = new AbortController();
await using bare = new MeasuredProcess('bare Node, http server', ['-e', bareServer]);
await using idle = new MeasuredAgent('agent, nobody follows it');
await using followed = new MeasuredAgent('agent, followed as by a tray');
await idle.ready();
const { controlUrl, controlToken } = await followed.ready();
let events = 0;
const reading = new ControlClient({ url: controlUrl, token: controlToken }).watch(() => (events += 1), watching.signal);
await pause(settleMs);

const processes = [bare, idle, followed];
const before = processes.map((each) => each.usage());
const eventsBefore = events;
await pause(seconds * 1_000);
const figures = processes.map((each, index) => figuresOf(each, before[index]));
const eventsPerSecond = (events - eventsBefore) / seconds;
watching.abort();
await reading;
report(figures);

function figuresOf(measured: MeasuredProcess, from: Usage | undefined): Figures {
  const to = measured.usage();
  const since = from ?? to;
  return {
    name: measured.name,
    rssBytes: to.rssBytes,
    anonymousBytes: to.anonymousBytes,
    cpuPercent: (100 * (to.cpuNs - since.cpuNs)) / (seconds * 1e9),
    wakeUpsPerSecond: (to.wakeUps - since.wakeUps) / seconds,
  };
}

function report([base, alone, watched]: readonly Figures[]): void {
  if (!base || !alone || !watched) throw new Error('nothing was measured');
  console.log(
    `${seconds} s, after ${settleMs / 1_000} s to settle; ${eventsPerSecond.toFixed(1)} events a second were read`,
  );
  console.log('\nprocess                        RSS MB   own MB   CPU % of a core   wake-ups/s');
  for (const { name, rssBytes, anonymousBytes, cpuPercent, wakeUpsPerSecond } of [base, alone, watched]) {
    const columns = [megabytes(rssBytes).padStart(7), megabytes(anonymousBytes).padStart(8)];
    const rest = [cpuPercent.toFixed(3).padStart(17), wakeUpsPerSecond.toFixed(1).padStart(12)];
    console.log(`${name.padEnd(30)}${[...columns, ...rest].join(' ')}`);
  }
  const bars = [
    { name: 'P15 RSS ÷ bare Node', figure: alone.rssBytes / base.rssBytes, limit: 1.15 },
    { name: 'P15 CPU % of a core', figure: alone.cpuPercent, limit: 0.3 },
    { name: 'P15 wake-ups/s', figure: alone.wakeUpsPerSecond, limit: 10 },
  ];
  console.log('\nbar                       figure   limit');
  for (const { name, figure, limit } of bars) {
    const verdict = figure <= limit ? 'holds' : 'MISSED';
    console.log(`${name.padEnd(24)} ${figure.toFixed(2).padStart(7)} ${limit.toFixed(2).padStart(7)}   ${verdict}`);
  }
  process.exitCode = bars.every(({ figure, limit }) => figure <= limit) ? 0 : 1;
}

function kilobytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
