import { formatCount, unknown } from './numbers.ts';

/** Dollars: "$0.00", "$0.0021", "$1.84", "$12 345.60". A little is never shown as nothing. */
export function formatMoney(usd: number | null): string {
  if (usd === null || !Number.isFinite(usd)) return unknown;
  if (usd < 0) return `−${formatMoney(-usd)}`;
  if (usd === 0) return '$0.00';
  if (usd < 0.000_05) return 'below $0.0001';
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  const [whole = '0', cents = '00'] = usd.toFixed(2).split('.');
  return `$${formatCount(Number(whole))}.${cents}`;
}

/** A figure of a budget in its unit: "$1.84", "120 000 tokens", "62 %". A unit newer than this page stands behind it. */
export function formatAmount(value: number, unit: string): string {
  switch (unit) {
    case 'usd':
      return formatMoney(value);
    case 'tokens':
      return `${formatCount(value)} tokens`;
    case 'percent':
      return `${Number(value.toFixed(1))} %`;
    default:
      return `${Number(value.toFixed(2))} ${unit}`;
  }
}

/** A share of 0 to 1 as "81 %", never rounded up to all of it nor down to none. */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return unknown;
  if (share > 0 && share < 0.005) return 'below 1 %';
  if (share < 1 && share > 0.995) return 'above 99 %';
  return `${Math.round(share * 100)} %`;
}
