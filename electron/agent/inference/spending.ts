import type { Priority } from '../../contract/routing.ts';

export type OffloadMode = 'off' | 'auto' | 'on';

/** What may be spent on a request that costs something. */
export interface SpendingAsk {
  readonly upstreamId: string;
  readonly model: string;
  /** Dollars that the request costs at most: the whole prompt uncached, and the longest answer. */
  readonly worstUsd: number;
  readonly priority: Priority;
  /** Id of the key, and what it may spend a day; null without a limit. */
  readonly caller: string;
  readonly callerDollarsPerDay: number | null;
}

export type SpendingVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: 'offload-off' | 'no-budget'; readonly sentence: string };

/** Money set aside for one request. Settle it once, with what was really spent, or release it when nothing was sent. */
export interface Reservation {
  settle(spentUsd: number): void;
  release(): void;
}

/** Whether and how much may be spent on upstreams that have a price. What costs nothing never comes here. */
export interface Spending {
  offload(): OffloadMode;
  /** Pure look, for planning. */
  judge(ask: SpendingAsk): SpendingVerdict;
  /** Sets the money aside, or says why not; after this the request may be sent. */
  reserve(
    ask: SpendingAsk,
  ): { readonly reservation: Reservation } | { readonly refused: SpendingVerdict & { allowed: false } };
}
