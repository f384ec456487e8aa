import { join } from 'node:path';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { keptLastLines } from '../../../electron/agent/engines/supervisor/noted-lines.ts';
import { bareEnvironment, ProcessTree } from '../../../electron/agent/engines/supervisor/process-tree.ts';
import { ProgressWatch } from '../../../electron/agent/engines/supervisor/progress-watch.ts';
import {
  Supervisor,
  type ProcessLauncher,
  type ProcessListener,
} from '../../../electron/agent/engines/supervisor/supervisor.ts';
import type { EngineRecord } from '../../../electron/agent/engines/supervisor/transition.ts';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import type { Upstream } from '../../../electron/agent/inference/upstream.ts';
import { HttpUpstream } from '../../../electron/agent/inference/wire/http-upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';

export { readBody as read } from '../../fixtures/read-body.ts';

const servedProcess = join(import.meta.dirname, '../../fakes/fake-served-process.ts');

/** Runs a program that says `listening PORT` and `ready` on its stdout. */
export class ServedLauncher implements ProcessLauncher {
  readonly lines: string[] = [];
  readonly pids: number[] = [];
  port = 0;
  readonly #command: readonly string[];
  readonly #clock: ManualClock;
  readonly #running = new Set<ProcessTree>();
  #onLine: (() => void) | null = null;

  constructor(command: readonly string[], clock: ManualClock) {
    this.#command = command;
    this.#clock = clock;
  }

  async launch(listener: ProcessListener): Promise<ProcessTree> {
    const [executable = '', ...args] = this.#command;
    const lastLines: string[] = [];
    const tree = await ProcessTree.start(
      { executable, args, env: bareEnvironment(process.env), firstInput: '', longestLine: 4_096 },
      {
        line: (stream, text) => {
          lastLines.push(text);
          if (lastLines.length > keptLastLines) lastLines.shift();
          this.lines.push(text);
          if (stream === 'stdout' && text.startsWith('listening ')) this.port = Number(text.slice(10));
          if (stream === 'stdout' && text === 'ready') listener.ready();
          this.#onLine?.();
        },
        exited: (code, signal) => {
          this.#running.delete(tree);
          listener.exited({ code, signal, lastLines });
        },
      },
      { clock: this.#clock },
    );
    this.#running.add(tree);
    this.pids.push(tree.pid);
    return tree;
  }

  killNow(): void {
    for (const tree of this.#running) tree.end('now');
  }

  /** Resolves when the process has written that line. */
  said(line: string): Promise<void> {
    if (this.lines.includes(line)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLine = () => {
        if (this.lines.includes(line)) resolve();
      };
    });
  }

  /** Tells the fake process to go on. */
  async order(what: 'ready' | 'answer'): Promise<void> {
    await fetch(`http://127.0.0.1:${this.port}/order/${what}`, { method: 'POST' });
  }
}

/** A supervised process with its upstream, watched, and a clock in the test's hand. */
export interface Supervised {
  readonly clock: ManualClock;
  readonly launcher: ServedLauncher;
  readonly supervisor: Supervisor;
  readonly upstream: Upstream;
  /** Resolves with the record once the state is one of these. */
  until(...kinds: EngineRecord['state']['kind'][]): Promise<EngineRecord>;
  stop(): Promise<void>;
}

/** The fake process with these words, or any other command. */
export function supervise(
  what: { readonly words: readonly string[] } | { readonly command: readonly string[] },
  options: { readonly loadDeadlineMs?: () => number } = {},
): Supervised {
  const clock = new ManualClock();
  const command = 'words' in what ? [process.execPath, servedProcess, ...what.words] : what.command;
  const launcher = new ServedLauncher(command, clock);
  const supervisor = new Supervisor({
    clock,
    logger: silentLogger,
    launcher,
    random: () => 0.5,
    countMemoryKills: () => 0,
    ...options,
  });
  const watch = new ProgressWatch(
    {},
    {
      clock,
      onWedged: (reason) => {
        const { state } = supervisor.record;
        if ('pid' in state) void supervisor.wedged(state.pid, reason);
      },
    },
  );
  const upstream = watch.watch(new ServedUpstream(launcher, clock));
  const until = (...kinds: EngineRecord['state']['kind'][]): Promise<EngineRecord> => {
    if (kinds.includes(supervisor.record.state.kind)) return Promise.resolve(supervisor.record);
    return new Promise((resolve) => {
      const cancel = supervisor.changed.subscribe((record) => {
        if (!kinds.includes(record.state.kind)) return;
        cancel();
        // What the state asks for, such as the timer of a backoff, is done by then.
        setImmediate(resolve, record);
      });
    });
  };
  const stop = async (): Promise<void> => {
    supervisor.killNow();
    await until('stopped', 'failed', 'conflict');
    watch.stop();
  };
  return { clock, launcher, supervisor, upstream, until, stop };
}

/** Requests go to whichever process runs now. */
class ServedUpstream implements Upstream {
  readonly #launcher: ServedLauncher;
  readonly #clock: ManualClock;

  constructor(launcher: ServedLauncher, clock: ManualClock) {
    this.#launcher = launcher;
    this.#clock = clock;
  }

  describe(): never {
    throw new Error('nobody asks this');
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const deadlines = { firstByteMs: null, silenceMs: null };
    const wire = new HttpUpstream(
      { host: '127.0.0.1', port: this.#launcher.port, name: 'The engine', deadlines },
      { clock: this.#clock },
    );
    return wire.send({ method: 'POST', path: '/answer', headers: {}, body: request.body }, signal);
  }
}

/** A request for an answer, streamed or whole. */
export function request(stream: boolean): InferenceRequest {
  const body = Buffer.from(JSON.stringify({ stream }));
  return { trace: 't', operation: 'chat', model: 'm', stream, dialect: 'openai', body };
}
