import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import type { OllamaAddress } from './address.ts';
import type { Keeper } from './keeper.ts';
import { OllamaApi } from './ollama-api.ts';
import { OllamaWatch } from './ollama-watch.ts';

export interface AdoptedOllamaDeps {
  readonly clock: Clock;
  readonly isBusy: () => boolean;
  /** Who runs what listens on the port. */
  readonly findKeeper: (port: number) => Promise<Keeper>;
}

/** An Ollama that somebody else runs: used and watched, never stopped, never told another setting. */
export class AdoptedOllama {
  readonly changed = new Announcer<void>();
  readonly address: OllamaAddress;
  readonly api: OllamaApi;
  readonly watch: OllamaWatch;
  readonly #deps: AdoptedOllamaDeps;
  #keeper: Keeper | null = null;
  #sinceMs: number;
  #wasPresent = false;

  constructor(address: OllamaAddress, deps: AdoptedOllamaDeps) {
    this.address = address;
    this.#deps = deps;
    this.#sinceMs = deps.clock.now();
    this.api = new OllamaApi(address, deps);
    this.watch = new OllamaWatch(this.api, deps);
    this.watch.changed.subscribe(() => {
      this.#onChange();
    });
  }

  get present(): boolean {
    return this.watch.presence.kind === 'present';
  }

  /** Null until it is known; kept while it is gone. */
  get keeper(): Keeper | null {
    return this.#keeper;
  }

  /** When it came, or went; wall time, ms. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Resolves after the first look. */
  start(): Promise<void> {
    return this.watch.start();
  }

  /** No longer looks at it. */
  stop(): void {
    this.watch.stop();
  }

  #onChange(): void {
    if (this.present !== this.#wasPresent) {
      this.#wasPresent = this.present;
      this.#sinceMs = this.#deps.clock.now();
      if (this.present) void this.#lookUpKeeper();
    }
    this.changed.announce();
  }

  async #lookUpKeeper(): Promise<void> {
    this.#keeper = await this.#deps.findKeeper(this.address.port);
    this.changed.announce();
  }
}
