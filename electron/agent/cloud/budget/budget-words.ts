import type { BudgetSettings } from '../../../contract/cloud.ts';
import { quotable } from '../../base/quotable.ts';
import type { Nanodollars } from '../ledger-port.ts';

/** Such as $1.84, $0.0042 or less than $0.0001: as exact as it matters. */
export function money(nanos: Nanodollars): string {
  const usd = nanos / 1e9;
  if (usd === 0 || usd >= 0.01) return `$${grouped(usd, 2)}`;
  return usd < 0.0001 ? 'less than $0.0001' : `$${grouped(usd, 4)}`;
}

function grouped(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const most = 80;

/** For whom a budget is, as in "$10.00 a day for the key laptop"; nothing for that of all. */
export function forWhom(scope: string): string {
  const colon = scope.indexOf(':');
  const name = quotable(scope.slice(colon + 1), most);
  switch (scope.slice(0, Math.max(colon, 0))) {
    case 'provider':
      return ` for the provider ${name}`;
    case 'model':
      return ` for ${name}`;
    case 'key':
    case 'own-key':
      return ` for the key ${name}`;
    case 'persona':
    case 'own-persona':
      return ` for the persona ${name}`;
    case 'caller':
      return ' for this caller';
    default:
      return '';
  }
}

const every = { hour: 'an hour', day: 'a day', week: 'a week', month: 'a month' } as const;

/** An amount as budgets count it: dollars, tokens, or percent of a week's quota. */
export function amountIn(unit: BudgetSettings['unit'], amount: number): string {
  switch (unit) {
    case 'usd':
      return money(Math.round(amount * 1e9));
    case 'tokens':
      return Math.floor(amount).toLocaleString('en-US');
    case 'percent':
      return `${Number(amount.toFixed(2))} %`;
  }
}

/** The whole limit of a budget, such as "$10.00 a day for the key laptop" or "50 % of a week's quota". */
export function wholeOf({ unit, limit, period, scope }: Omit<BudgetSettings, 'softLimit'>): string {
  const whom = forWhom(scope);
  const amount = amountIn(unit, limit);
  if (unit === 'usd') return `${amount} ${every[period]}${whom}`;
  if (unit === 'tokens') return `${amount} tokens ${every[period]}${whom}`;
  return `${amount} of a week's quota${period === 'week' ? '' : ` ${every[period]}`}${whom}`;
}

/** What a soft limit does, after "from $8.00 on". */
export const softRule =
  'only what asks for the cloud goes there, by high priority, by ranch/quality, by a purpose or by naming its model; all else stays local';

/** The verb that goes with an amount in that unit. */
export function areIn(unit: BudgetSettings['unit']): 'is' | 'are' {
  return unit === 'tokens' ? 'are' : 'is';
}
