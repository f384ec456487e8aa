import { Announcer } from '../../base/announcer.ts';
import type { Logger } from '../../base/logger.ts';
import { everyAddress, lanAddresses, type Interfaces } from './lan-hosts.ts';

export interface NetworkDoorOptions {
  /** As the settings want it. */
  readonly wanted: 'loopback' | 'lan';
  /** Where the gateway listens before and without the network. */
  readonly loopback: string;
}

export interface NetworkDoorDeps {
  /** Makes the gateway listen on another address, or leaves it where it is and rejects. */
  readonly move: (host: string) => Promise<void>;
  readonly keys: { readonly total: number; readonly changed: Announcer<void> };
  readonly interfaces: () => Interfaces;
  readonly logger: Logger;
}

/**
 * Opens the gateway to the network, where that is wanted, as soon as there is a key: at the start, or later in the moment
 * when the first one is made, so that the operator need not start the node again. It stays open when the last key is
 * revoked, for then nobody gets in.
 */
export class NetworkDoor {
  readonly #options: NetworkDoorOptions;
  readonly #deps: NetworkDoorDeps;
  #scope: 'loopback' | 'lan' = 'loopback';
  #moving: Promise<void> | null = null;
  #unsubscribe: (() => void) | null = null;

  /** The gateway listens elsewhere now. */
  readonly changed = new Announcer<void>();

  constructor(options: NetworkDoorOptions, deps: NetworkDoorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get scope(): 'loopback' | 'lan' {
    return this.#scope;
  }

  /** Addresses where programs find the gateway, without its port. */
  addresses(): string[] {
    if (this.#scope === 'lan') return lanAddresses(this.#deps.interfaces());
    const { loopback } = this.#options;
    return [loopback.includes(':') ? `[${loopback}]` : loopback];
  }

  /** To be called once the gateway listens on loopback; resolves when it listens on the network, or waits for a key. */
  async start(): Promise<void> {
    if (this.#options.wanted === 'loopback') return;
    this.#unsubscribe = this.#deps.keys.changed.subscribe(() => void this.#open());
    await this.#open();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #open(): Promise<void> {
    if (this.#scope === 'lan' || this.#deps.keys.total === 0) return Promise.resolve();
    this.#moving ??= this.#move().finally(() => (this.#moving = null));
    return this.#moving;
  }

  async #move(): Promise<void> {
    const { logger, move, interfaces } = this.#deps;
    const address = everyAddress(interfaces());
    try {
      await move(address);
      this.#scope = 'lan';
      logger.info({ address, addresses: this.addresses() }, 'the gateway listens on the network');
      this.changed.announce();
    } catch (error) {
      // The node goes on for this machine; a notice says so, and the next key tries again.
      logger.error({ address, err: error }, 'the gateway cannot listen on the network');
    }
  }
}
