import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { EngineLog } from '../engine-log.ts';
import { freeLoopbackPort } from '../process-engine/free-port.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { NotedLines } from '../supervisor/noted-lines.ts';
import { bareEnvironment, ProcessTree } from '../supervisor/process-tree.ts';
import type { ProcessExit, ProcessLauncher, ProcessListener, RunningProcess } from '../supervisor/supervisor.ts';
import { ownEnvironment, proxiesOf, type OwnSettings } from './own-environment.ts';

export interface OllamaProcessOptions {
  readonly engineId: string;
  /** See {@link OwnEnvironmentOptions.home}. */
  readonly home: string;
  readonly modelsDir: string;
  /** The agent's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

export interface OllamaProcessDeps {
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly leftovers: Leftovers;
  /** What the next process is started with. Rejects with a sentence when there is nothing to start. */
  readonly plan: () => Promise<{ readonly program: string; readonly settings: OwnSettings }>;
  /** It listens on this port; null when the process is gone. Resolves when it answers there. */
  readonly onPort: (port: number | null) => Promise<void>;
  /** A free port. Default: the system chooses. */
  readonly pickPort?: () => Promise<number>;
}

const longestLine = 4_096;
const mostPorts = 4;
/** Until Ollama says that it listens; it does so before it looks at the machine. */
const listenMs = 20_000;

/** It writes a line for each request; those by which it is watched would push all others out of the log. */
const isOurLook = /^\[GIN\].*\| 200 \|.*\bGET\s+"\/api\/(?:ps|tags|version)"/;

/** One start: what it said so far. */
interface Attempt {
  readonly tree: ProcessTree;
  readonly port: number;
  readonly listening: Promise<'listening' | 'late' | ProcessExit>;
  /** Hears of the end from now on, at once if it came already. */
  readonly tell: (exited: (exit: ProcessExit) => void) => void;
}

/** Starts `ollama serve` on a free loopback port, in an environment built from empty. */
export class OllamaProcess implements ProcessLauncher {
  readonly #options: OllamaProcessOptions;
  readonly #deps: OllamaProcessDeps;
  readonly #running = new Set<ProcessTree>();
  #ended = false;

  constructor(options: OllamaProcessOptions, deps: OllamaProcessDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async launch(listener: ProcessListener): Promise<RunningProcess> {
    const plan = await this.#deps.plan();
    await mkdir(this.#options.home, { recursive: true, mode: 0o700 });
    for (let tried = 1; ; tried += 1) {
      const attempt = await this.#attempt(plan);
      const outcome = await attempt.listening;
      // Another program took the port between choosing and binding it.
      if (typeof outcome === 'object' && tried < mostPorts && isPortTaken(outcome)) continue;
      attempt.tell((exit) => {
        void this.#deps.onPort(null);
        listener.exited(exit);
      });
      if (typeof outcome === 'string') {
        void this.#deps.onPort(attempt.port).then(() => {
          listener.ready();
        });
      }
      return attempt.tree;
    }
  }

  killNow(): void {
    this.#ended = true;
    for (const tree of this.#running) tree.end('now');
  }

  async #attempt(plan: { readonly program: string; readonly settings: OwnSettings }): Promise<Attempt> {
    const { clock, leftovers, pickPort = freeLoopbackPort } = this.#deps;
    const port = await pickPort();
    if (this.#ended) throw new AppError('shutting_down', 'The node ends and starts no engine any more.');
    const nonce = randomBytes(16).toString('hex');
    const listening = Promise.withResolvers<'listening' | 'late' | ProcessExit>();
    const exited = Promise.withResolvers<ProcessExit>();
    const lines = new NotedLines(this.#deps);
    const tree = await ProcessTree.start(
      {
        executable: plan.program,
        args: ['serve'],
        env: this.#environment(port, nonce, plan.settings),
        firstInput: '',
        longestLine,
      },
      {
        line: (stream, text) => {
          if (isOurLook.test(text)) return;
          lines.note(stream, text);
          // Only our own process can say so into our pipe: an answer at the port alone may be another program's.
          if (text.includes('Listening on') && text.includes(`:${port}`)) listening.resolve('listening');
        },
        exited: (code, signal) => {
          this.#running.delete(tree);
          void leftovers.remove(tree.pid);
          listening.resolve({ code, signal, lastLines: lines.last });
          exited.resolve({ code, signal, lastLines: lines.last });
        },
      },
      { clock },
    );
    this.#running.add(tree);
    const cancel = clock.after(listenMs, () => {
      listening.resolve('late');
    });
    void listening.promise.then(cancel);
    await leftovers.add(this.#options.engineId, tree.pid, nonce);
    return { tree, port, listening: listening.promise, tell: (hear) => void exited.promise.then(hear) };
  }

  #environment(port: number, nonce: string, settings: OwnSettings): Record<string, string> {
    const { home, modelsDir, env, platform } = this.#options;
    const bare = bareEnvironment(env);
    return ownEnvironment({ port, settings, modelsDir, home, nonce, bare, proxies: proxiesOf(env), platform });
  }
}

function isPortTaken({ lastLines }: ProcessExit): boolean {
  return lastLines.some((line) => /address already in use|Only one usage of each socket address/i.test(line));
}
