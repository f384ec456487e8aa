import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { EngineLog } from '../engine-log.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { bareEnvironment, ProcessTree } from '../supervisor/process-tree.ts';
import { NotedLines } from '../supervisor/noted-lines.ts';
import type { ProcessLauncher, ProcessListener, RunningProcess } from '../supervisor/supervisor.ts';
import { longestLineBytes, parseReport, type ChildReport, type ChildSettings, type LoadedModel } from './protocol.ts';

export interface EmbeddedProcessOptions {
  readonly engineId: string;
  /** The Node binary that runs the engine: the same one that runs the agent. */
  readonly nodePath: string;
  /** The engine's program, `embedded-engine.js` of the build. */
  readonly childScript: string;
}

/** Where a started engine answers. */
export interface Endpoint {
  readonly port: number;
  readonly key: string;
  readonly model: LoadedModel;
}

export interface EmbeddedProcessDeps {
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly leftovers: Leftovers;
  /** What the next process is started with. */
  readonly settings: () => Promise<Omit<ChildSettings, 'key'>>;
  /** Null when the process is gone. */
  readonly onEndpoint: (endpoint: Endpoint | null) => void;
  readonly onStats: (stats: Extract<ChildReport, { event: 'stats' }>) => void;
}

/**
 * Starts the embedded engine's process. It binds a free port itself and reports it over the pipe, so that no other
 * program can take the port between choosing and binding; the key goes to it over the pipe too.
 */
export class EmbeddedProcess implements ProcessLauncher {
  readonly #options: EmbeddedProcessOptions;
  readonly #deps: EmbeddedProcessDeps;
  readonly #running = new Set<ProcessTree>();

  constructor(options: EmbeddedProcessOptions, deps: EmbeddedProcessDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async launch(listener: ProcessListener): Promise<RunningProcess> {
    const { clock, leftovers } = this.#deps;
    const key = randomBytes(32).toString('base64url');
    const nonce = randomBytes(16).toString('hex');
    const lines = new NotedLines(this.#deps);
    const settings: ChildSettings = { ...(await this.#deps.settings()), key };
    const tree = await ProcessTree.start(
      {
        executable: this.#options.nodePath,
        args: [this.#options.childScript, '--nonce', nonce],
        env: bareEnvironment(process.env),
        firstInput: `${JSON.stringify(settings)}\n`,
        longestLine: longestLineBytes,
      },
      {
        line: (stream, text) => {
          const report = stream === 'stdout' ? parseReport(text) : null;
          if (report) this.#onReport(report, key, listener, lines);
          else lines.note(stream, text);
        },
        exited: (code, signal) => {
          this.#running.delete(tree);
          this.#deps.onEndpoint(null);
          void leftovers.remove(tree.pid);
          listener.exited({ code, signal, lastLines: lines.last });
        },
      },
      { clock },
    );
    this.#running.add(tree);
    await leftovers.add(this.#options.engineId, tree.pid, nonce);
    return tree;
  }

  killNow(): void {
    for (const tree of this.#running) tree.end('now');
  }

  #onReport(report: ChildReport, key: string, listener: ProcessListener, lines: NotedLines): void {
    switch (report.event) {
      case 'listening':
        return;
      case 'ready':
        this.#deps.onEndpoint({ port: report.port, key, model: report.model });
        listener.ready();
        return;
      case 'stats':
        this.#deps.onStats(report);
        return;
      case 'failed':
        lines.note('stderr', `error: ${report.message}`);
        return;
    }
  }
}
