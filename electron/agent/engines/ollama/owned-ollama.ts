import type { Clock } from '../../base/clock.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Logger } from '../../base/logger.ts';
import type { EngineLog } from '../engine-log.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { loadDeadlineMs } from '../supervisor/progress.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import type { EngineRecord } from '../supervisor/transition.ts';
import type { OllamaAddress } from './address.ts';
import { OllamaApi } from './ollama-api.ts';
import { OllamaProcess } from './ollama-process.ts';
import { OllamaWatch } from './ollama-watch.ts';
import type { OwnSettings } from './own-environment.ts';

export interface OwnedOllamaOptions {
  readonly engineId: string;
  readonly program: string;
  readonly settings: OwnSettings;
  readonly home: string;
  readonly modelsDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

export interface OwnedOllamaDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: EngineLog;
  readonly leftovers: Leftovers;
  readonly random: () => number;
  readonly isBusy: () => boolean;
  readonly pickPort?: (() => Promise<number>) | undefined;
}

/** Where the process answers. */
export interface OwnEndpoint {
  readonly address: OllamaAddress;
  readonly api: OllamaApi;
  readonly watch: OllamaWatch;
}

/** An Ollama that this node starts and ends. */
export class OwnedOllama {
  readonly changed = new Announcer<void>();
  readonly program: string;
  readonly modelsDir: string;
  readonly #deps: OwnedOllamaDeps;
  readonly #supervisor: Supervisor;
  #settings: OwnSettings;
  #endpoint: OwnEndpoint | null = null;

  constructor(options: OwnedOllamaOptions, deps: OwnedOllamaDeps) {
    this.program = options.program;
    this.modelsDir = options.modelsDir;
    this.#settings = options.settings;
    this.#deps = deps;
    const { clock, logger, log, leftovers, random, pickPort } = deps;
    const launcher = new OllamaProcess(options, {
      clock,
      log,
      leftovers,
      plan: () => Promise.resolve({ program: options.program, settings: this.#settings }),
      onPort: (port) => this.#onPort(port),
      ...(pickPort && { pickPort }),
    });
    this.#supervisor = new Supervisor({
      clock,
      logger,
      launcher,
      random,
      // It loads no model while it starts.
      loadDeadlineMs: () => loadDeadlineMs(0),
    });
    this.#supervisor.changed.subscribe(() => {
      this.changed.announce();
    });
  }

  get record(): EngineRecord {
    return this.#supervisor.record;
  }

  /** Null while no process answers. */
  get endpoint(): OwnEndpoint | null {
    return this.#endpoint;
  }

  /** In force for the running process, or else for the next one. */
  get settings(): OwnSettings {
    return this.#settings;
  }

  start(): Promise<void> {
    return this.#supervisor.start();
  }

  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  killNow(): void {
    this.#supervisor.killNow();
  }

  /** Ends the process and starts it with these settings. */
  restart(settings: OwnSettings = this.#settings): Promise<void> {
    this.#settings = settings;
    return this.#supervisor.restart();
  }

  /** The process lives and does not move; see {@link Supervisor.wedged}. */
  async wedged(reason: string): Promise<void> {
    const { state } = this.#supervisor.record;
    if ('pid' in state) await this.#supervisor.wedged(state.pid, reason);
  }

  async #onPort(port: number | null): Promise<void> {
    const before = this.#endpoint;
    this.#endpoint = null;
    before?.watch.stop();
    if (port === null) {
      this.changed.announce();
      return;
    }
    const { clock, isBusy } = this.#deps;
    const address = { host: '127.0.0.1', port };
    const api = new OllamaApi(address, { clock });
    const watch = new OllamaWatch(api, { clock, isBusy });
    const endpoint = { address, api, watch };
    this.#endpoint = endpoint;
    watch.changed.subscribe(() => {
      this.changed.announce();
    });
    await watch.start();
    // It listens, and may take a moment until it answers.
    while (this.#endpoint === endpoint && watch.presence.kind !== 'present') {
      await new Promise<void>((resolve) => {
        const cancel = watch.changed.subscribe(() => {
          cancel();
          resolve();
        });
        clock.after(1_000, () => {
          cancel();
          resolve();
        });
      });
    }
  }
}
