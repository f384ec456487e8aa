/** How short of breath the machine is. Null where the system does not tell. */
export interface PressureFigures {
  /** Percent of the last 10 s in which some task waited for memory (Linux pressure stall information). */
  readonly memorySomePercent: number | null;
  /** Percent of the last 10 s in which all tasks waited for memory at once. */
  readonly memoryFullPercent: number | null;
  /** Percent of the last 10 s in which some task waited for a processor. */
  readonly cpuSomePercent: number | null;
  readonly availableBytes: number | null;
  readonly totalBytes: number | null;
  /** Share of the processor's full clock rate that heat or power limits take away, 0 to 1. */
  readonly throttled: number | null;
}

/** The `some` or `full` average over 10 s of a file under /proc/pressure, percent; null when there is none. */
export function parsePressureAverage(text: string, kind: 'some' | 'full'): number | null {
  const line = text.split('\n').find((each) => each.startsWith(`${kind} `));
  return figureAfter(line ?? '', 'avg10=', 1);
}

/** A line of /proc/meminfo, bytes; null when there is none. */
export function parseMeminfoLine(text: string, label: string): number | null {
  const line = text.split('\n').find((each) => each.startsWith(`${label}:`));
  const kilobytes = figureAfter(line ?? '', ':', 1);
  return kilobytes === null ? null : kilobytes * 1024;
}

/**
 * Share of the full clock rate that a limit takes away, from cpufreq's `scaling_max_freq` (the limit now) and
 * `cpuinfo_max_freq` (what the hardware can), kHz. Null when either does not tell.
 */
export function throttledShare(limitText: string, fullText: string): number | null {
  const limit = Number.parseInt(limitText, 10);
  const full = Number.parseInt(fullText, 10);
  if (!(limit > 0) || !(full > 0)) return null;
  return Math.min(1, Math.max(0, 1 - limit / full));
}

/**
 * Share of a cooling device's range that the system uses, from /sys/class/thermal's `cur_state` and `max_state`: a
 * processor that is cooled by slowing down.
 */
export function coolingShare(currentText: string, mostText: string): number | null {
  const current = Number.parseInt(currentText, 10);
  const most = Number.parseInt(mostText, 10);
  if (!(current >= 0) || !(most > 0)) return null;
  return Math.min(1, current / most);
}

function figureAfter(text: string, label: string, scale: number): number | null {
  const at = text.indexOf(label);
  if (at < 0) return null;
  const figure = Number.parseFloat(text.slice(at + label.length, at + label.length + 32));
  return Number.isFinite(figure) ? figure * scale : null;
}
