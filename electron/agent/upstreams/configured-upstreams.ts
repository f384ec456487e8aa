import { readFile } from 'node:fs/promises';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import type { Startable } from '../base/lifecycle.ts';
import type { Logger } from '../base/logger.ts';
import type { Upstream } from '../inference/upstream.ts';
import type { TlsTrust } from '../inference/wire/connection.ts';
import { withOwnIds, type ServerSettings } from './server-settings.ts';
import { ServerUpstream } from './server-upstream.ts';

export interface ConfiguredUpstreamsOptions {
  readonly servers: readonly ServerSettings[];
  /** Ids of the engines: a server that is called like one of them gets a number behind its name. */
  readonly takenIds?: readonly string[];
  /** Where keys are read that the settings name by `keyEnv`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Authorities to trust for https instead of the platform's. Default: the platform's. */
  readonly trust?: TlsTrust;
}

export interface ConfiguredUpstreamsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the gateway of this node answers there; host in lower case, without brackets. */
  readonly isOwn: (host: string, port: number) => boolean;
  /** 0 ≤ x < 1. Default: Math.random. */
  readonly random?: () => number;
}

/** The servers that the operator has named in the settings, each an {@link Upstream} like any engine. */
export class ConfiguredUpstreams implements Startable {
  /** Some server has become ready or has ceased to be, or has other models. */
  readonly changed = new Announcer<void>();
  readonly #servers: readonly ServerUpstream[];

  constructor({ servers, env, trust, takenIds = [] }: ConfiguredUpstreamsOptions, deps: ConfiguredUpstreamsDeps) {
    const serverDeps = {
      clock: deps.clock,
      logger: deps.logger,
      isOwn: deps.isOwn,
      random: deps.random ?? Math.random,
      env,
      readFile: (path: string) => readFile(path, 'utf8'),
      onChanged: () => this.changed.announce(),
    };
    const enabled = servers.filter((server) => server.enabled);
    const named = withOwnIds(enabled, takenIds);
    for (const [at, { id }] of named.entries()) {
      const wanted = enabled[at]?.id;
      if (wanted !== id) deps.logger.warn({ wanted, id }, 'a server has another id, for its own is taken');
    }
    this.#servers = named.map((settings) => new ServerUpstream({ settings, trust: trust ?? {} }, serverDeps));
  }

  /** Waits for no server: a slow one keeps nobody. */
  start(): Promise<void> {
    for (const server of this.#servers) server.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const server of this.#servers) server.stop();
    return Promise.resolve();
  }

  /** In the order of the settings. */
  list(): readonly Upstream[] {
    return this.#servers;
  }
}
