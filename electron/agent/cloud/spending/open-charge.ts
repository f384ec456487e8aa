import type { Reservation } from '../../inference/spending.ts';
import type { Usage } from '../../inference/usage.ts';
import { billedTokens, costOf, usdFrom } from '../prices/cost.ts';
import type { BilledTokens, ChargeBasis, ChargeReserved, Nanodollars } from '../ledger-port.ts';
import type { KnownPrice } from '../provider-port.ts';

/** How a charge ended. */
export interface ChargeEnd {
  readonly cost: Nanodollars;
  readonly tokens: BilledTokens;
  readonly basis: ChargeBasis;
}

/** By what a charge is billed. */
export interface ChargeTerms {
  readonly price: KnownPrice;
  /** Images of the prompt. */
  readonly images: number;
}

/** Money set aside for one try. The first end that is told counts; later ones change nothing. */
export class OpenCharge implements Reservation {
  readonly #charge: ChargeReserved;
  readonly #terms: ChargeTerms;
  /** Null: nothing was billed. */
  readonly #end: (end: ChargeEnd | null) => void;
  #endedUsd: number | null = null;

  constructor(charge: ChargeReserved, terms: ChargeTerms, end: (end: ChargeEnd | null) => void) {
    this.#charge = charge;
    this.#terms = terms;
    this.#end = end;
  }

  settle(usage: Usage): number {
    return this.#once(() => ({ cost: this.#costOf(usage), tokens: billedTokens(usage), basis: 'told' }));
  }

  estimate(usage: Usage, setAside: 'most' | 'least' = 'most'): number {
    const bound = setAside === 'most' ? Math.min : Math.max;
    return this.#once(() => ({
      cost: bound(this.#costOf(usage), this.#charge.worst),
      tokens: billedTokens(usage),
      basis: 'estimated',
    }));
  }

  forfeit(): number {
    const { worst, worstTokens } = this.#charge;
    const tokens = { inputTokens: worstTokens, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
    return this.#once(() => ({ cost: worst, tokens, basis: 'forfeited' }));
  }

  release(): void {
    this.#once(() => null);
  }

  #costOf(usage: Usage): Nanodollars {
    const { price, images } = this.#terms;
    return costOf(usage, price.price, price.charactersUsd, images);
  }

  #once(endOf: () => ChargeEnd | null): number {
    if (this.#endedUsd === null) {
      const end = endOf();
      this.#endedUsd = usdFrom(end?.cost ?? 0);
      this.#end(end);
    }
    return this.#endedUsd;
  }
}
