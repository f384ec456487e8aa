/** Bytes for people: whole GB from ten on, one decimal below, MB below 0.1 GB. Decimal units, as disks are sold. */
export function gigabytes(bytes: number): string {
  if (bytes >= 9.95e9) return `${Math.round(bytes / 1e9)} GB`;
  if (bytes >= 0.1e9 || bytes <= 0) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}
