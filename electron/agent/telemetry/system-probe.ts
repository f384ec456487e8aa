import { readFileSync } from 'node:fs';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import {
  cpuReadingOf,
  parseMeminfo,
  parsePressure,
  parseProcStat,
  parseResidentBytes,
  type CpuReading,
  type MemoryReading,
  type PressureReading,
} from './probes.ts';

/** What the sampler reads every tick. Each is a few dozen microseconds and starts no process. */
export interface SystemProbe {
  cpu(): CpuReading;
  memory(): MemoryReading;
  /** Null where the system keeps none. */
  pressure(): PressureReading | null;
  /** Over 1, 5 and 15 minutes; null where the system keeps none. */
  load(): [number, number, number] | null;
  /** Resident bytes of a process; null when it is gone or the system does not tell. */
  processMemory(pid: number): number | null;
  /** Resident bytes of this process. */
  ownMemory(): number;
}

/**
 * The probe for a platform, as `process.platform` names it.
 *
 * @param freeBytes Memory that is free, where the system has no file that tells.
 */
export function systemProbe(platform: NodeJS.Platform, freeBytes: () => number = freemem): SystemProbe {
  if (platform === 'linux') return linuxProbe;
  return {
    ...portableProbe,
    memory: () => ({ totalBytes: totalmem(), availableBytes: freeBytes() }),
    load: platform === 'win32' ? () => null : currentLoad,
  };
}

const portableProbe: SystemProbe = {
  cpu: () => cpuReadingOf(cpus()),
  memory: () => ({ totalBytes: totalmem(), availableBytes: freemem() }),
  pressure: () => null,
  load: currentLoad,
  processMemory: () => null,
  ownMemory: () => process.memoryUsage.rss(),
};

// /proc/stat and not os.cpus(): that one also reads every core's clock frequency, which costs several times as much
// and on some kernels waits for each core in turn.
const linuxProbe: SystemProbe = {
  ...portableProbe,
  cpu: () => parseProcStat(readSystemFile('/proc/stat') ?? '') ?? portableProbe.cpu(),
  memory: () => parseMeminfo(readSystemFile('/proc/meminfo') ?? '') ?? portableProbe.memory(),
  pressure: linuxPressure,
  processMemory: (pid) => parseResidentBytes(readSystemFile(`/proc/${pid}/status`) ?? ''),
};

function linuxPressure(): PressureReading | null {
  const [cpu, memory, io] = ['cpu', 'memory', 'io'].map((kind) =>
    parsePressure(readSystemFile(`/proc/pressure/${kind}`) ?? ''),
  );
  if (cpu === null && memory === null && io === null) return null;
  return { cpu: cpu ?? 0, memory: memory ?? 0, io: io ?? 0 };
}

function currentLoad(): [number, number, number] {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return [one, five, fifteen].map((figure) => Math.round(figure * 100) / 100) as [number, number, number];
}

/**
 * A file that the kernel makes up, as text; null when there is none. Synchronous on purpose: the kernel answers from
 * memory, and a round trip to the thread pool costs more.
 */
function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
