import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../agent/base/errors.ts';

/** Whether a process with this id exists now. It may be another program than the one meant: ids are used again. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, and belongs to somebody else.
    return systemErrorCode(error) === 'EPERM';
  }
}

/** Name of the program that runs under `pid`, as the system tells it; null where it does not. Linux only. */
export function programName(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
