import type { Priority } from '../../../contract/routing.ts';
import type { ChargeScope, Nanodollars } from '../ledger-port.ts';

/** What a request may cost at most, and who pays. */
export interface BudgetAsk {
  readonly scope: ChargeScope;
  readonly worst: Nanodollars;
  readonly worstTokens: number;
  readonly priority: Priority;
  /** What the caller may spend a day; null without a limit. */
  readonly dollarsPerDay: number | null;
  /** What all who name the persona may spend a day together. */
  readonly personaDollarsPerDay?: number | null;
}
