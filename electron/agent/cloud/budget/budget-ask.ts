import type { ChargeScope, Nanodollars } from '../ledger-port.ts';

/** What a request may cost at most, and who pays. */
export interface BudgetAsk {
  readonly scope: ChargeScope;
  readonly worst: Nanodollars;
  readonly worstTokens: number;
  /** Nobody asked for the cloud, so it stays here beyond a soft limit. */
  readonly isElective: boolean;
  /** What the caller may spend a day; null without a limit. */
  readonly dollarsPerDay: number | null;
  /** What all who name the persona may spend a day together. */
  readonly personaDollarsPerDay?: number | null;
}
