import type { CloudModelRow, CloudSettings, CloudSnapshot } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { ServerAddress } from '../../inference/server-address.ts';
import type { TlsTrust } from '../../inference/wire/connection.ts';
import type { Prices, ProviderKeys, Providers, WindowCheck } from '../provider-port.ts';
import { CloudProvider } from './cloud-provider.ts';
import { usualPatience, type Patience } from './provider-client.ts';
import { providerConfigs, type ProviderConfig } from './provider-config.ts';

export interface CloudProvidersOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => CloudSettings;
  /** Authorities to trust for https instead of the platform's. */
  readonly trust?: TlsTrust;
  /** Left out: as long as providers' own programs wait. */
  readonly patience?: Patience;
}

export interface CloudProvidersDeps {
  readonly keys: ProviderKeys;
  readonly prices: Prices;
  readonly windows: WindowCheck;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the gateway of this node answers there; host in lower case, without brackets. */
  readonly isOwn: (host: string, port: number) => boolean;
}

const longestStartMs = 1_000;
const tellMovedMs = 86_400_000;

/** A provider whose key goes to another server than the one that it was set for. */
interface Moved {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly atMs: number;
}

/** The providers of the settings and those that are known without, each an {@link Upstream} like any engine. */
export class CloudProviders implements Providers {
  readonly changed = new Announcer<void>();
  /** Ids of providers that may be asked again by the operator's doing: a new key, a test that went well, an address. */
  readonly renewed = new Announcer<string>();
  readonly #options: CloudProvidersOptions;
  readonly #deps: CloudProvidersDeps;
  readonly #providers = new Map<string, CloudProvider>();
  readonly #moved = new Map<string, Moved>();
  #settings: CloudSettings | null = null;
  #running = false;
  #unsubscribe: (() => void) | null = null;
  #offered: readonly Upstream[] | null = null;

  constructor(options: CloudProvidersOptions, deps: CloudProvidersDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when the keys have been looked for, after a second at the latest: a keyring may ask a person. Asks no provider. */
  async start(): Promise<void> {
    this.#running = true;
    this.#unsubscribe = this.#deps.keys.changed.subscribe((id) => {
      this.#moved.delete(id);
      void this.#providers.get(id)?.keyChanged();
    });
    const looked = Promise.all([...this.#current().values()].map((provider) => provider.start()));
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#deps.clock.after(longestStartMs, () => late.resolve(undefined));
    await Promise.race([looked, late.promise]);
    cancel();
    this.#offered = null;
  }

  stop(): Promise<void> {
    this.#running = false;
    this.#unsubscribe?.();
    for (const provider of this.#providers.values()) provider.stop(true);
    return Promise.resolve();
  }

  /**
   * Those that are switched on. A known one that has neither key nor a word in the settings stays out: nobody has asked
   * for it, and decisions need not tell of it each time.
   */
  upstreams(): readonly Upstream[] {
    const providers = this.#current();
    this.#offered ??= [...providers.values()].filter((provider) => {
      const { state } = provider.row();
      return state !== 'off' && (state !== 'no-key' || provider.config.isNamed);
    });
    return this.#offered;
  }

  snapshot(): CloudSnapshot['providers'] {
    return [...this.#current().values()].map((provider) => provider.row());
  }

  /** Whose key goes to another server since its url was changed: nobody can read a key, but a url may send it anywhere. */
  notices(): Notice[] {
    this.#current();
    const nowMs = this.#deps.clock.now();
    return [...this.#moved].flatMap(([id, { from, to, name, atMs }]) => {
      const hasKey = this.#providers.get(id)?.hasKey === true;
      if (!hasKey || nowMs - atMs > tellMovedMs) return [];
      const sentence = `The key of ${name} goes to ${to} instead of ${from} since its url was changed. If that was not you, change it back and make a new key at the provider.`;
      const fix = { kind: 'terminal', label: 'See all settings', line: 'ranch-hand settings' } as const;
      return [
        {
          id: `provider-moved-${id}`,
          severity: 'warning',
          sentence,
          since: new Date(atMs).toISOString(),
          fix,
        } as const,
      ];
    });
  }

  models(): readonly CloudModelRow[] {
    return [...this.#current().values()].flatMap((provider) => provider.models());
  }

  test(id: string): Promise<string> {
    const provider = this.#current().get(id);
    if (provider) return provider.test();
    const message = `There is no provider called ${id}. "ranch-hand providers" lists those that are.`;
    return Promise.reject(new AppError('not_found', message));
  }

  /** The providers by the present settings. */
  #current(): ReadonlyMap<string, CloudProvider> {
    const settings = this.#options.settings();
    const before = this.#settings;
    if (settings === before) return this.#providers;
    this.#settings = settings;
    this.#rebuild(providerConfigs(settings));
    this.#offered = null;
    if (before) for (const provider of this.#providers.values()) provider.settingsChanged();
    return this.#providers;
  }

  /** Whatever is as it was keeps its connections and what is known of it. */
  #rebuild(configs: readonly ProviderConfig[]): void {
    const ids = new Set(configs.map(({ id }) => id));
    for (const [id, provider] of this.#providers) {
      if (ids.has(id)) continue;
      provider.stop(false);
      this.#providers.delete(id);
    }
    for (const config of configs) {
      const known = this.#providers.get(config.id);
      if (known && JSON.stringify(known.config) === JSON.stringify(config)) continue;
      known?.stop(false);
      if (known) this.#noteMove(known.config, config);
      const provider = this.#made(config);
      this.#providers.set(config.id, provider);
      if (this.#running) void provider.start();
      if (known) this.renewed.announce(config.id);
    }
  }

  #noteMove({ id, address: before }: ProviderConfig, { name, address: now }: ProviderConfig): void {
    if (before === null || now === null) return;
    const from = this.#moved.get(id)?.from ?? serverOf(before);
    const to = serverOf(now);
    if (from === to) this.#moved.delete(id);
    else if (to !== serverOf(before)) {
      this.#moved.set(id, { from, to, name, atMs: this.#deps.clock.now() });
      this.#deps.logger.warn({ provider: id, from, to }, 'the key of a provider goes to another server from now on');
    }
  }

  #made(config: ProviderConfig): CloudProvider {
    const { patience = usualPatience, trust = {} } = this.#options;
    return new CloudProvider(
      { config, patience, trust },
      {
        ...this.#deps,
        onChanged: () => {
          this.#offered = null;
          this.changed.announce();
        },
        onRenewed: () => this.renewed.announce(config.id),
      },
    );
  }
}

function serverOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`;
}
