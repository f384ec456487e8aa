import type { CloudSnapshot } from '../../contract/cloud.ts';
import { unknownFigure } from './figures.ts';
import { safeLine } from './text.ts';

/** Dollars: "$1.84", "$1,204.50", "$0.0042"; "$0.00" for nothing. Small sums keep two figures that say something. */
export function dollars(usd: number | null): string {
  if (usd === null) return unknownFigure;
  if (usd === 0) return '$0.00';
  const sign = usd < 0 ? '-' : '';
  const amount = Math.abs(usd);
  if (amount < 0.0001) return `${sign}<$0.0001`;
  if (amount < 0.00995) return `${sign}$${amount.toFixed(4)}`;
  return `${sign}$${amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

type Budget = CloudSnapshot['budgets'][number];

/** An amount in the unit of a budget: "$1.84", "1,200,000 tokens", "34 %". */
export function inUnit(amount: number, unit: Budget['unit']): string {
  if (unit === 'usd') return dollars(amount);
  if (unit === 'percent') return `${Math.round(amount * 10) / 10} %`;
  return `${Math.round(amount).toLocaleString('en-US')} ${safeLine(unit)}`;
}

/** "$1.84 of $10.00", "1,200 of 50,000 tokens", "34 of 50 %". */
export function spentOf({ spent, limit, unit }: Pick<Budget, 'spent' | 'limit' | 'unit'>): string {
  if (unit === 'usd') return `${dollars(spent)} of ${dollars(limit)}`;
  const [amount = ''] = inUnit(spent, unit).split(' ');
  return `${amount} of ${inUnit(limit, unit)}`;
}

/** What of a budget is gone, with what is set aside, 0–1. */
export function usedShare({ spent, reserved, limit }: Pick<Budget, 'spent' | 'reserved' | 'limit'>): number {
  return limit <= 0 ? 1 : Math.min(1, (spent + reserved) / limit);
}
