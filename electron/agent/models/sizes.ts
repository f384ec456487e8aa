/** Bytes of what settings and people call a GB: steps of 1024, as memory is sold, and as every surface shows sizes. */
export const gigabyte = 2 ** 30;

/** Bytes for people: whole GB from ten on, one decimal below, MB below 0.1 GB. */
export function gigabytes(bytes: number): string {
  const gb = Math.max(0, bytes) / gigabyte;
  if (gb >= 9.95) return `${Math.round(gb)} GB`;
  if (gb >= 0.1 || gb === 0) return `${gb.toFixed(1)} GB`;
  return `${Math.max(1, Math.round(gb * 1024))} MB`;
}
