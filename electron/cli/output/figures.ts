/** Shown where the agent does not know a figure. Never a zero. */
export const unknownFigure = '–';

const kib = 1024;
const steps = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Memory and file sizes, as 1024-based steps: "512 MB", "3.9 GB", "41 GB". */
export function bytes(value: number | null): string {
  if (value === null) return unknownFigure;
  let amount = Math.max(0, value);
  let step = 0;
  while (rounded(amount) >= kib && step < steps.length - 1) {
    amount /= kib;
    step += 1;
  }
  return `${step === 0 ? Math.round(amount) : rounded(amount)} ${steps[step] ?? ''}`;
}

/** "41 of 96 GB": both in the unit of the larger. */
export function bytesOf(used: number, total: number): string {
  const [totalFigure = '', unit = 'B'] = bytes(total).split(' ');
  const divisor =
    kib **
    Math.max(
      0,
      steps.findIndex((step) => step === unit),
    );
  return `${rounded(Math.max(0, used) / divisor)} of ${totalFigure} ${unit}`;
}

/** 0–100 as "62 %". */
export function percent(value: number | null): string {
  return value === null ? unknownFigure : `${Math.round(value)} %`;
}

/** Decode speed, bare: "17.8", "143". */
export function speed(tokensPerSecond: number | null): string {
  if (tokensPerSecond === null) return unknownFigure;
  return tokensPerSecond >= 100 ? String(Math.round(tokensPerSecond)) : tokensPerSecond.toFixed(1);
}

/** How long something took: "84 ms", "1.9 s", "3 min 20 s". */
export function took(durationMs: number | null): string {
  if (durationMs === null) return unknownFigure;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  return span(durationMs);
}

/** How long something has lasted, in its two largest units: "12 s", "3 min 20 s", "2 h 4 min", "5 d 3 h". */
export function span(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A count with thousands apart: "32,768". */
export function count(value: number | null): string {
  return value === null ? unknownFigure : value.toLocaleString('en-US');
}

/** "1 request", "3 requests". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Number of weights: "270 M", "10.3 B". */
export function parameters(value: number | null): string {
  if (value === null) return unknownFigure;
  if (value >= 1e9) return `${rounded(value / 1e9)} B`;
  if (value >= 1e6) return `${rounded(value / 1e6)} M`;
  return count(value);
}

/** The time of day here, "14:03:09", of an ISO time; what is not one is shown as unknown. */
export function timeOfDay(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return unknownFigure;
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** A bar of `width` cells, filled to `fraction` (0–1); anything above zero fills at least one. */
export function meter(fraction: number, width: number): string {
  const share = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  const full = share === 0 ? 0 : Math.max(1, Math.round(share * width));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** The newest `width` values as a line of bars, scaled to their largest. Empty where there is nothing to show. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width <= 0 ? [] : values.slice(-width);
  const top = Math.max(0, ...shown);
  const bars = '▁▂▃▄▅▆▇█';
  return shown.map((value) => bars[top === 0 ? 0 : Math.round((Math.max(0, value) / top) * 7)] ?? '▁').join('');
}

function rounded(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}
