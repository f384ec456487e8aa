import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** What a clock may have been set by between two looks at the same start of the machine. */
const toleranceMs = 120_000;
const startPrefix = 'start:';

/** Names the present start of the machine, so that a power cut or a restart in between can be told. */
export function bootId(nowMs: number): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `${startPrefix}${Math.round(nowMs - uptime() * 1_000)}`;
  }
}

/** Whether both were read since the machine last started. When in doubt it did start in between. */
export function isSameBoot(before: string, now: string): boolean {
  if (before === now) return true;
  if (!before.startsWith(startPrefix) || !now.startsWith(startPrefix)) return false;
  const apartMs = Math.abs(Number(before.slice(startPrefix.length)) - Number(now.slice(startPrefix.length)));
  return apartMs <= toleranceMs;
}
