import type { PressureFigures } from './gateway/load/pressure.ts';
import type { SystemSample } from './telemetry/sampler.ts';

/** How short of breath the machine is, from the latest sample; null before the first one. Pure. */
export function pressureOf(sample: SystemSample | null): PressureFigures | null {
  if (sample === null) return null;
  const { pressure, availableBytes, totalBytes } = sample;
  return {
    memorySomePercent: pressure?.memory ?? null,
    memoryFullPercent: null,
    cpuSomePercent: pressure?.cpu ?? null,
    availableBytes,
    totalBytes,
    throttled: null,
  };
}
