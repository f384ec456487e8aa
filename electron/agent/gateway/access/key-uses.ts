import type { StoredKey } from './key-file.ts';

/** Requests with a key that its row does not tell of yet. */
interface Use {
  /** When the latest one came, milliseconds since the epoch, and from where; null when none came. */
  last: { readonly atMs: number; readonly from: string } | null;
  requests: number;
  tokens: number;
}

/** What was noted of keys since their rows were made: requests come far more often than anybody looks. */
export class KeyUses {
  readonly #byId = new Map<string, Use>();

  /** Notes a request. */
  request(id: string, last: { readonly atMs: number; readonly from: string }): void {
    const use = this.#useOf(id);
    use.last = last;
    use.requests += 1;
  }

  /** Notes tokens of a request, prompt and answer together. */
  tokens(id: string, tokens: number): void {
    this.#useOf(id).tokens += Math.round(tokens);
  }

  /** The rows brought up to date, of those keys that are still known; from here on nothing is noted of any. */
  take(known: (id: string) => StoredKey | undefined): StoredKey[] {
    const rows = [...this.#byId].flatMap(([id, use]) => {
      const key = known(id);
      return key ? [withUse(key, use)] : [];
    });
    this.#byId.clear();
    return rows;
  }

  #useOf(id: string): Use {
    const known = this.#byId.get(id);
    if (known) return known;
    const use: Use = { last: null, requests: 0, tokens: 0 };
    this.#byId.set(id, use);
    return use;
  }
}

function withUse(key: StoredKey, { last, requests, tokens }: Use): StoredKey {
  const lately = last === null ? {} : { lastUsedAt: new Date(last.atMs).toISOString(), lastUsedFrom: last.from };
  const { requestsTotal, tokensTotal } = key;
  return { ...key, ...lately, requestsTotal: requestsTotal + requests, tokensTotal: tokensTotal + tokens };
}
