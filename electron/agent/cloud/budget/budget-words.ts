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
      return ` for the key ${name}`;
    case 'persona':
      return ` for the persona ${name}`;
    case 'caller':
      return ' for this caller';
    default:
      return '';
  }
}

/** An amount in a budget's own unit; `quota`: tokens a week, where the unit is a share of it. */
export function amountIn(unit: BudgetSettings['unit'], amount: number, quota: number | null): string {
  switch (unit) {
    case 'usd':
      return money(amount);
    case 'tokens':
      return `${amount.toLocaleString('en-US')} tokens`;
    case 'percent':
      return `${Number(((amount / (quota ?? 1)) * 100).toFixed(2))} % of the week's quota`;
  }
}
