import * as z from 'zod';
import type { CloudSettings } from '../../../contract/cloud.ts';
import { nanosFrom, usdFrom } from '../prices/cost.ts';
import type { Ledger, Nanodollars } from '../ledger-port.ts';

const entrySchema = z.object({
  /** As it was set when counting began: another sum is another top-up, and counting begins anew. */
  prepaidUsd: z.number(),
  spent: z.number().min(0),
});
type Entry = z.infer<typeof entrySchema>;

const nameOf = (provider: string): string => `prepaid:${provider}`;

/** Credits that are paid for already: how much of them is left at each provider that has some. */
export class PrepaidCredits {
  readonly #settings: () => CloudSettings;
  readonly #ledger: Pick<Ledger, 'remember' | 'remembered'>;
  readonly #entries = new Map<string, Entry>();

  constructor(options: { settings: () => CloudSettings }, deps: { ledger: Pick<Ledger, 'remember' | 'remembered'> }) {
    this.#settings = options.settings;
    this.#ledger = deps.ledger;
  }

  /** What earlier runs counted. */
  async load(): Promise<void> {
    for (const provider of Object.keys(this.#settings().providers)) {
      const text = await this.#ledger.remembered(nameOf(provider));
      const entry = entrySchema.safeParse(text === null ? null : parsed(text));
      if (entry.success) this.#entries.set(provider, entry.data);
    }
  }

  /** Dollars left; 0 for providers without credits. */
  left(provider: string): number {
    const entry = this.#entry(provider);
    return entry === null ? 0 : Math.max(0, usdFrom(nanosFrom(entry.prepaidUsd) - entry.spent));
  }

  spent(provider: string, cost: Nanodollars): void {
    const before = this.#entry(provider);
    if (before === null || cost === 0) return;
    const entry = { ...before, spent: before.spent + cost };
    this.#entries.set(provider, entry);
    this.#ledger.remember(nameOf(provider), JSON.stringify(entry));
  }

  #entry(provider: string): Entry | null {
    const { providers } = this.#settings();
    const prepaidUsd = Object.hasOwn(providers, provider) ? (providers[provider]?.prepaidUsd ?? null) : null;
    if (prepaidUsd === null) return null;
    const known = this.#entries.get(provider);
    return known?.prepaidUsd === prepaidUsd ? known : { prepaidUsd, spent: 0 };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
