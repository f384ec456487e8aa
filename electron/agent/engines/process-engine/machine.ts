import { readFileSync } from 'node:fs';
import { arch, availableParallelism } from 'node:os';

/** What decides how many threads compute and how many answers are made side by side. */
export interface Machine {
  /** Cores that this process may use, not counting the second thread of one. */
  readonly physicalCores: number;
  /** Processors that this process may use. */
  readonly logicalCores: number;
}

/** Threads for llama.cpp: the physical cores; from five on one is left for the agent and the callers. */
export function automaticThreads({ physicalCores }: Machine): number {
  return physicalCores > 4 ? physicalCores - 1 : Math.max(1, physicalCores);
}

/** Requests side by side: each takes its share of memory, and a small machine has no speed to share. */
export function automaticParallel({ logicalCores }: Machine): number {
  return logicalCores <= 2 ? 2 : 4;
}

/**
 * Physical cores among the processors that may be used.
 *
 * @param cpuInfo text of /proc/cpuinfo
 * @param allowed as in `Cpus_allowed_list` of /proc/self/status, such as "0-3,8"
 * @returns null when the text does not tell which processors share a core
 */
export function physicalCoresOf(cpuInfo: string, allowed: string): number | null {
  const cores = new Set<string>();
  const usable = indicesOf(allowed);
  for (const block of cpuInfo.split(/\n\s*\n/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(\\d+)`, 'm').exec(block)?.[1];
    const processor = field('processor');
    const core = field('core id');
    if (processor === undefined || core === undefined || !usable.has(Number(processor))) continue;
    cores.add(`${field('physical id') ?? '0'}/${core}`);
  }
  return cores.size === 0 ? null : cores.size;
}

function indicesOf(list: string): Set<number> {
  const indices = new Set<number>();
  for (const range of list.trim().split(',')) {
    const [from = Number.NaN, to = from] = range.split('-').map(Number);
    for (let index = from; index <= to && index - from < 4_096; index += 1) indices.add(index);
  }
  return indices;
}

/** This machine. Containers may allow less time than they show processors: the smaller figure counts. */
export function readMachine(): Machine {
  const logicalCores = availableParallelism();
  return { logicalCores, physicalCores: Math.max(1, Math.min(readPhysicalCores(logicalCores), logicalCores)) };
}

function readPhysicalCores(logicalCores: number): number {
  // Other systems do not tell it without a program being run; their x64 processors nearly all have two threads a core.
  if (process.platform !== 'linux') return arch() === 'x64' ? Math.ceil(logicalCores / 2) : logicalCores;
  try {
    const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    return physicalCoresOf(readFileSync('/proc/cpuinfo', 'utf8'), allowed) ?? logicalCores;
  } catch {
    return logicalCores;
  }
}
