/** Shown where a figure is not known. */
export const unknown = '–';

/** Digits that suit a figure's size: two significant places below 10, one decimal below 100, none above. */
function short(value: number): string {
  if (value >= 99.95) return formatCount(value);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** Tokens per second without the unit: "0", "4.31", "17.8", "142". */
export function formatRate(perSecond: number | null): string {
  if (perSecond === null || !Number.isFinite(perSecond)) return unknown;
  return perSecond === 0 ? '0' : short(perSecond);
}

/** A share already in percent: "62 %". */
export function formatPercent(percent: number | null): string {
  if (percent === null || !Number.isFinite(percent)) return unknown;
  return `${Math.round(percent)} %`;
}

/** Pressure and other small percentages keep a decimal below ten: "0.4 %". */
export function formatFinePercent(percent: number | null): string {
  if (percent === null || !Number.isFinite(percent)) return unknown;
  return percent !== 0 && percent < 9.95 ? `${percent.toFixed(1)} %` : `${Math.round(percent)} %`;
}

/** A share of time from 0 to 1: "99.8 %". Never rounded up to all of it, nor down to none. */
export function formatAvailability(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return unknown;
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return 'below 0.1 %';
  const floored = Math.floor(percent * 10 + 1e-9) / 10;
  return `${floored} %`;
}

/** A count with thin groups: "12 345". */
export function formatCount(count: number | null): string {
  if (count === null || !Number.isFinite(count)) return unknown;
  return Math.round(count)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/gu, '\u202f');
}

/** A number of weights as models are named by it: "270M", "8.03B". */
export function formatParameters(count: number | null): string {
  if (count === null || !Number.isFinite(count)) return unknown;
  if (count >= 999_500_000) return `${trimZeros((count / 1e9).toFixed(count >= 99.5e9 ? 0 : 2))}B`;
  if (count >= 999_500) return `${Math.round(count / 1e6)}M`;
  if (count >= 1000) return `${Math.round(count / 1e3)}K`;
  return count.toString();
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/u, '') : text;
}
