import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * How many programs the system has killed for memory where this process would be among them; null where the system
 * does not tell. Only ever grows: a difference between two readings is a kill in between.
 */
export type CountMemoryKills = () => number | null;

/** Reads a whole small file; throws when it cannot. */
type ReadText = (file: string) => string;

/**
 * Linux tells; macOS and Windows do not. The count of the control group comes first, for it leaves out what happens to
 * the rest of the machine; engines run in the agent's group. Kernel-made files: reading them never waits for a disk.
 */
export const countMemoryKills: CountMemoryKills = () => {
  if (process.platform !== 'linux') return null;
  return memoryKillsFrom((file) => readFileSync(file, 'latin1'));
};

/** {@link countMemoryKills} over any reader. */
export function memoryKillsFrom(read: ReadText): number | null {
  const groups = attempt(read, '/proc/self/cgroup')?.split('\n') ?? [];
  for (const group of groups) {
    // hierarchy:controllers:path; version 2 has no controllers.
    const [, controllers, ...rest] = group.split(':');
    const place = rest.join(':');
    const file =
      controllers === ''
        ? path.posix.join('/sys/fs/cgroup', place, 'memory.events')
        : controllers?.split(',').includes('memory')
          ? path.posix.join('/sys/fs/cgroup/memory', place, 'memory.oom_control')
          : null;
    const count = file === null ? null : counter(attempt(read, file), 'oom_kill');
    if (count !== null) return count;
  }
  return counter(attempt(read, '/proc/vmstat'), 'oom_kill');
}

function attempt(read: ReadText, file: string): string | null {
  try {
    return read(file);
  } catch {
    return null;
  }
}

/** The number on the line that begins with this word. */
function counter(text: string | null, name: string): number | null {
  const match = text === null ? null : new RegExp(`^${name} (\\d+)$`, 'm').exec(text);
  return match ? Number(match[1]) : null;
}
