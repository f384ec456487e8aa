import { readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
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

/**
 * Name of the program that runs under `pid`, as an operator knows it; null where the system does not tell. Linux only.
 * The name in `comm` comes last: it is that of the main thread, which Node calls MainThread.
 */
export function programName(pid: number): string | null {
  const process = `/proc/${pid}`;
  return (
    named(() => readlinkSync(`${process}/exe`).replace(/ \(deleted\)$/, '')) ??
    named(() => readFileSync(`${process}/cmdline`, 'utf8').split('\0')[0] ?? '') ??
    named(() => readFileSync(`${process}/comm`, 'utf8').trim())
  );
}

/** The last part of the path that `read` gives; null when there is none or it may not be read. */
function named(read: () => string): string | null {
  try {
    return posix.basename(read()) || null;
  } catch {
    return null;
  }
}
