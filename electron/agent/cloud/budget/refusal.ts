import type { BudgetSettings } from '../../../contract/cloud.ts';
import type { BudgetAsk } from './budget-ask.ts';
import { amountIn, areIn, forWhom, softRule, wholeOf } from './budget-words.ts';
import type { Reckoning } from './reckoning.ts';
import type { ZonedTime } from './zoned-time.ts';

/** Why money may not be spent. */
export interface Refusal {
  readonly sentence: string;
  /** When it may be, by the budgets' clock; null where time alone does not help. */
  readonly untilMs: number | null;
}

/** How long to wait where only requests under way stand in the way. */
const underWayMs = 10_000;

/** Why a budget lets a request through (null) or not. Pure. */
export function refusal(
  reckoning: Reckoning,
  ask: Pick<BudgetAsk, 'worst' | 'worstTokens' | 'isElective'>,
  { nowMs, zone }: { readonly nowMs: number; readonly zone: ZonedTime },
): Refusal | null {
  const { budget, kind, period, quota, limit, soft, spent, reserved } = reckoning;
  const whom = forWhom(budget.scope);
  const opens = `It opens again ${zone.wordsFor(period.endMs, nowMs)}.`;
  if (kind === 'no-quota') return { sentence: noQuota(budget.scope), untilMs: null };
  if (kind === 'lost') {
    const sentence = `What was spent${whom} in this ${budget.period} is not known, because the ledger was damaged and begun anew, so nothing more is. ${opens} "Count from here" in the panel opens it now.`;
    return { sentence, untilMs: period.endMs };
  }
  const told = (amount: number): string => amountIn(budget.unit, amountOf(budget.unit, amount, quota));
  const wanted = budget.unit === 'usd' ? ask.worst : ask.worstTokens;
  const whole = wholeOf(budget);
  const are = areIn(budget.unit);
  if (spent + reserved + wanted <= limit) {
    if (soft === null || spent + reserved < soft || !ask.isElective) return null;
    const sentence = `${told(spent + reserved)} of ${whole} ${are} used, and from ${told(soft)} on ${softRule}. ${opens}`;
    return { sentence, untilMs: period.endMs };
  }
  const left = told(Math.max(0, limit - spent - reserved));
  const lead = `${left} of ${whole} ${are} left; this may ${budget.unit === 'usd' ? 'cost' : 'take'} ${told(wanted)}.`;
  if (wanted > limit) return { sentence: `${lead} Ask for a shorter answer, or raise the budget.`, untilMs: null };
  if (spent + wanted <= limit) {
    const sentence = `${lead} ${told(reserved)} ${are} set aside for requests under way: try again when they are done.`;
    return { sentence, untilMs: Math.min(nowMs + underWayMs, period.endMs) };
  }
  return { sentence: `${lead} ${opens}`, untilMs: period.endMs };
}

/** A whole amount of a reckoning as budgets count it. */
export function amountOf(unit: BudgetSettings['unit'], amount: number, quota: number | null): number {
  if (unit === 'usd') return amount / 1e9;
  return unit === 'tokens' || quota === null ? amount : (amount / quota) * 100;
}

function noQuota(scope: string): string {
  const provider = /^(?:provider:|model:)([^/]+)/.exec(scope)?.[1];
  return provider === undefined
    ? `The budget "${scope}" is a share of a provider's quota and names no provider, so nothing is spent under it. Give it the scope "provider:ID", or a limit in dollars.`
    : `The budget "${scope}" is a share of the quota of ${provider}, which is not set, so nothing is spent under it. Set "cloud.providers.${provider}.quota", or give the budget a limit in dollars.`;
}
