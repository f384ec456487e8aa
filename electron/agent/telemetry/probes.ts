/** Pure readers of what the system tells of itself. Text comes in as Linux writes it, figures go out. */

/** Time that one core, or all of them, has spent since boot; any unit, as long as it stays the same. */
export interface CpuTimes {
  readonly busy: number;
  readonly idle: number;
}

export interface CpuReading {
  readonly total: CpuTimes;
  readonly cores: readonly CpuTimes[];
}

export interface CpuUsage {
  /** 0–100 over all cores. */
  readonly cpuPercent: number;
  readonly perCore: number[];
}

export interface MemoryReading {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Percent of the last ten seconds in which some task had to wait. */
export interface PressureReading {
  readonly cpu: number;
  readonly memory: number;
  readonly io: number;
}

/** /proc/stat: its `cpu` lines, the first of which sums up the others. Null when there is none. */
export function parseProcStat(text: string): CpuReading | null {
  const lines = text.split('\n', 4097).filter((line) => line.startsWith('cpu'));
  const [total, ...cores] = lines.map(parseCpuLine);
  return total ? { total, cores } : null;
}

function parseCpuLine(line: string): CpuTimes {
  // user nice system idle iowait irq softirq steal; guest times are already within user and nice.
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { busy: user + nice + system + irq + softIrq + steal, idle: idle + ioWait };
}

/** What `os.cpus()` says, for systems without /proc. */
export function cpuReadingOf(
  cpus: readonly { readonly times: { user: number; nice: number; sys: number; idle: number; irq: number } }[],
): CpuReading {
  const cores = cpus.map(({ times }) => ({ busy: times.user + times.nice + times.sys + times.irq, idle: times.idle }));
  const total = cores.reduce((sum, core) => ({ busy: sum.busy + core.busy, idle: sum.idle + core.idle }), {
    busy: 0,
    idle: 0,
  });
  return { total, cores };
}

/**
 * The share of time that went into work between two readings. Without an earlier one: since boot. A core that came
 * online in between, and a reading that went backwards (some hypervisors do that), count from zero.
 */
export function cpuUsage(previous: CpuReading | null, next: CpuReading): CpuUsage {
  return {
    cpuPercent: busyPercent(previous?.total, next.total),
    perCore: next.cores.map((core, index) => busyPercent(previous?.cores[index], core)),
  };
}

function busyPercent(previous: CpuTimes | undefined, next: CpuTimes): number {
  const busy = Math.max(0, next.busy - (previous?.busy ?? 0));
  const idle = Math.max(0, next.idle - (previous?.idle ?? 0));
  const all = busy + idle;
  return all === 0 ? 0 : round1((100 * busy) / all);
}

/** /proc/meminfo. Null when it lacks what is needed. */
export function parseMeminfo(text: string): MemoryReading | null {
  const totalBytes = kilobytesAfter(text, 'MemTotal:');
  const availableBytes = kilobytesAfter(text, 'MemAvailable:');
  return totalBytes === null || availableBytes === null ? null : { totalBytes, availableBytes };
}

/** Resident memory in /proc/PID/status, bytes. Null for a process without any (a zombie, a kernel thread). */
export function parseResidentBytes(text: string): number | null {
  return kilobytesAfter(text, 'VmRSS:');
}

/** The `some avg10` figure of a file under /proc/pressure. Null when there is none. */
export function parsePressure(text: string): number | null {
  const figure = Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? Number.NaN);
  return Number.isFinite(figure) ? figure : null;
}

function kilobytesAfter(text: string, label: string): number | null {
  const at = text.indexOf(label);
  if (at < 0) return null;
  const kilobytes = Number.parseInt(text.slice(at + label.length, at + label.length + 24), 10);
  return Number.isFinite(kilobytes) ? kilobytes * 1024 : null;
}

function round1(figure: number): number {
  return Math.round(figure * 10) / 10;
}
