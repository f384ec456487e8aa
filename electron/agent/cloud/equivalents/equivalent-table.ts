import type { CloudSettings } from '../../../contract/cloud.ts';
import type { Trace } from '../../../contract/trace.ts';
import type { Equivalents } from '../../inference/spending.ts';
import type { Nanodollars } from '../ledger-port.ts';
import { costOf } from '../prices/cost.ts';
import type { KnownPrice, Prices } from '../provider-port.ts';
import { anyEmbedding, anyModel, defaultEquivalents } from './default-equivalents.ts';

export interface EquivalentTableOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => CloudSettings;
}

export interface EquivalentTableDeps {
  readonly prices: Prices;
}

/** Which cloud models stand in for local and virtual ones: as the settings say, else sensible ones. */
export class EquivalentTable implements Equivalents {
  readonly #options: EquivalentTableOptions;
  readonly #prices: Prices;

  constructor(options: EquivalentTableOptions, deps: EquivalentTableDeps) {
    this.#options = options;
    this.#prices = deps.prices;
  }

  /**
   * Only models with a price. A model of this node has some only by an entry of its own: what was named outright is not
   * answered by something else because of an entry for all.
   */
  of(model: string): readonly string[] {
    if (model === anyModel || model === anyEmbedding) return [];
    return (this.#entry(model) ?? []).filter((name) => this.#priceOf(name) !== null);
  }

  /** All entries that hold, defaults included; for people. */
  table(): Record<string, string[]> {
    const entries = { ...defaultEquivalents, ...this.#options.settings().equivalents };
    return Object.fromEntries(Object.entries(entries).map(([name, models]) => [name, [...models]]));
  }

  /**
   * What the tokens of a request that cost nothing would have cost at the cheapest of its equivalents, cached ones at
   * the price of cached ones; null for what was billed, for what told no tokens, and where nothing stands in for it.
   */
  cheapest(trace: Trace): Nanodollars | null {
    const { route, costUsd, promptTokens, completionTokens, cachedTokens } = trace;
    if ((route !== 'local' && route !== 'peer') || costUsd > 0) return null;
    if (promptTokens === null && completionTokens === null) return null;
    const usage = { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0, cachedTokens };
    const costs = this.#standIns(trace).flatMap((name) => {
      const known = this.#priceOf(name);
      return known === null ? [] : [costOf(usage, known.price)];
    });
    return costs.length === 0 ? null : Math.min(...costs);
  }

  #standIns({ operation, requestedModel, model }: Trace): readonly string[] {
    switch (operation) {
      case 'chat':
      case 'completion':
        return (
          this.#entry(requestedModel) ?? (model === null ? null : this.#entry(model)) ?? this.#entry(anyModel) ?? []
        );
      case 'embedding':
        return this.#entry(anyEmbedding) ?? [];
      case 'speech':
        return [];
    }
  }

  #entry(name: string): readonly string[] | null {
    const { equivalents } = this.#options.settings();
    if (Object.hasOwn(equivalents, name)) return equivalents[name] ?? null;
    return Object.hasOwn(defaultEquivalents, name) ? (defaultEquivalents[name] ?? null) : null;
  }

  #priceOf(name: string): KnownPrice | null {
    const slash = name.indexOf('/');
    return slash < 1 ? null : this.#prices.of(name.slice(0, slash), name.slice(slash + 1));
  }
}
