import { readdirSync, readFileSync } from 'node:fs';
import { until } from './real-agent.ts';

/** A clock tick of /proc/PID/stat on Linux, in milliseconds. */
const tickMs = 10;
const windowMs = 200;
/** What timers and looks at its state take; an answer in the making takes all that it gets. */
const restingTicks = 2;

/**
 * Waits until those processes and all that they started compute nothing, by the system's own account: an engine whose
 * caller is forgotten would go on. Where the system does not tell (other than Linux), this resolves at once.
 */
export async function atRest(pids: readonly number[], timeoutMs: number): Promise<void> {
  if (process.platform !== 'linux') return;
  let since = { atMs: performance.now(), ticks: ticksOf(pids) };
  await until(() => {
    if (performance.now() - since.atMs < windowMs) return false;
    const now = { atMs: performance.now(), ticks: ticksOf(pids) };
    const used = now.ticks - since.ticks;
    const allowed = restingTicks * Math.max(1, (now.atMs - since.atMs) / (windowMs + 5 * tickMs));
    since = now;
    return used <= allowed;
  }, timeoutMs);
}

/** Processor time, in ticks, of those processes and their descendants. */
function ticksOf(pids: readonly number[]): number {
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => rowOf(Number(name)));
  const family = new Set(pids);
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of rows) if (family.has(parent)) family.add(pid);
  }
  return rows.reduce((sum, { pid, ticks }) => sum + (family.has(pid) ? ticks : 0), 0);
}

function rowOf(pid: number): { readonly pid: number; readonly parent: number; readonly ticks: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name, which is in parentheses and may hold anything: state, parent, …; the 12th and 13th are its time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
  } catch {
    return []; // It has ended meanwhile.
  }
}
