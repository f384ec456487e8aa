import type { OffloadMode } from '../../../contract/cloud.ts';
import type { SpendingAsk, SpendingVerdict } from '../../inference/spending.ts';
import { worstCost } from '../../inference/worst-cost.ts';
import type { BudgetAsk } from '../budget/budget-ask.ts';
import { money } from '../budget/budget-words.ts';
import type { Nanodollars } from '../ledger-port.ts';
import { nanosFrom } from '../prices/cost.ts';
import { withSurcharge } from '../prices/regional-surcharge.ts';
import type { KnownPrice, Prices, WindowCheck } from '../provider-port.ts';

export type Refused = SpendingVerdict & { readonly allowed: false };

/** A request that nothing but budgets may still speak against. */
export interface SpendingPlan {
  readonly price: KnownPrice;
  readonly budget: BudgetAsk;
}

/** What decides before any budget is asked. Times are the wall clock's. */
export interface SpendingScene {
  readonly mode: OffloadMode;
  /** Why the ledger takes nothing; null while it does. */
  readonly ledger: { readonly sentence: string } | null;
  /** The alarm's pause, and when it ends by itself; null without one. */
  readonly pause: { readonly sentence: string; readonly untilMs: number } | null;
  readonly prices: Prices;
  readonly windows: WindowCheck;
  /** Whether a model's answers are made in one region, by what its last one told; at a known price that costs more. */
  readonly isSurcharging: (provider: string, model: string) => boolean;
  readonly nowMs: number;
}

/** How soon a ledger that takes nothing is worth another try. */
const ledgerRetryMs = 30_000;

/** Everything but budgets: the price and what to ask the budgets for, or why nothing may be spent. Pure. */
export function planSpending(ask: SpendingAsk, scene: SpendingScene): SpendingPlan | { readonly refused: Refused } {
  const { prices, windows, nowMs } = scene;
  const { upstreamId: provider, model, isElective = false, payer } = ask;
  const stopped = stoppedBy(scene);
  if (stopped !== null) return { refused: stopped };
  const price = prices.of(provider, model);
  const usual = price && worstOf(ask, price);
  if (price === null || usual === null) {
    const sentence = `What ${provider}/${model} costs is not known, so it is not used. Set its price under "cloud.prices" in the settings.`;
    return { refused: { allowed: false, reason: 'no-budget', sentence, untilMs: null } };
  }
  const closed = windows.closed(provider, model);
  if (closed !== null) {
    const untilMs = Math.max(closed.opensAtMs, nowMs);
    return { refused: { allowed: false, reason: 'no-budget', sentence: closed.sentence, untilMs } };
  }
  const { caller, key, persona, dollarsPerDay, personaDollarsPerDay = null } = payer;
  const worst = price.source !== null && scene.isSurcharging(provider, model) ? withSurcharge(usual) : usual;
  const worstTokens = Math.max(0, Math.ceil(ask.worstTokens));
  const scope = { provider, model, caller, key, persona };
  return { price, budget: { scope, worst, worstTokens, isElective, dollarsPerDay, personaDollarsPerDay } };
}

/** The most that it costs by the price that holds now; null where the price does not say what is asked for. */
function worstOf({ worstUsd, most }: SpendingAsk, { price, charactersUsd }: KnownPrice): Nanodollars | null {
  if (most === undefined) return nanosFrom(Math.max(0, worstUsd));
  const { characters } = most;
  if (characters === undefined) return nanosFrom(worstCost(most, price));
  return charactersUsd === null ? null : nanosFrom((characters * charactersUsd) / 1e6);
}

/** Why nothing at all may be spent; null where something may. */
function stoppedBy({ mode, ledger, pause, nowMs }: SpendingScene): Refused | null {
  if (mode === 'off') {
    const sentence =
      'Sending requests to a cloud is switched off on this node. Switch it on in the tray, in the panel, or with "ranch-hand offload auto".';
    return { allowed: false, reason: 'offload-off', sentence, untilMs: null };
  }
  if (ledger !== null) return ledgerShut(ledger.sentence, nowMs);
  return pause && { allowed: false, reason: 'no-budget', sentence: pause.sentence, untilMs: pause.untilMs };
}

/** The ledger writes nothing down. */
export function ledgerShut(sentence: string, nowMs: number): Refused {
  return { allowed: false, reason: 'no-budget', sentence, untilMs: nowMs + ledgerRetryMs };
}

/** The price has risen since the caller's ceiling was held against it. */
export function tooDear(worst: Nanodollars, maxUsd: number): Refused {
  const sentence = `It may cost up to ${money(worst)} by now, and the request may cost ${money(nanosFrom(maxUsd))}. Allow more with X-Ranch-Max-Cost, or name a model of this node.`;
  return { allowed: false, reason: 'max-cost', sentence, untilMs: null };
}
