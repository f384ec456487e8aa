/** Bytes for people: `0.5 GB`, `12 GB`, `38 MB`. */
export function gigabytes(bytes: number): string {
  const gb = Math.max(0, bytes) / 1e9;
  if (gb >= 10) return `${Math.round(gb)} GB`;
  if (gb >= 0.1) return `${gb.toFixed(1)} GB`;
  return `${Math.round(gb * 1e3)} MB`;
}
