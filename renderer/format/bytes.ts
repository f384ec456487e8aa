import { unknown } from './numbers.ts';

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Memory and file sizes in steps of 1024, as memory is sold: "512 MB", "3.9 GB", "96 GB". */
export function formatBytes(bytes: number | null): string {
  if (bytes === null || !Number.isFinite(bytes)) return unknown;
  let value = Math.max(0, bytes);
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step >= 2 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[step] ?? 'B'}`;
}
