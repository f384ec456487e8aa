import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What makes a process more than its number: the number may belong to another program tomorrow. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words; compared, never read. */
  readonly startedAt: string;
  readonly executable: string;
  readonly commandLine: string;
  /** Its {@link nonceVariable}, where it has one and the system tells (Linux). */
  readonly nonce: string | null;
}

/** Carries the nonce into a program that takes no argument of ours; see `Leftovers.add`. */
export const nonceVariable = 'RANCH_HAND_NONCE';

/** Looks a process up; null when there is none, or when the system does not tell. */
export type IdentifyProcess = (pid: number) => Promise<ProcessIdentity | null>;

const run = promisify(execFile);
const lookUpMs = 10_000;

/** The identity of a process on this system. */
export const identifyProcess: IdentifyProcess = async (pid) => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  try {
    if (process.platform === 'linux') return await identifyOnLinux(pid);
    return process.platform === 'win32' ? await identifyOnWindows(pid) : await identifyByPs(pid);
  } catch {
    return null;
  }
};

async function identifyOnLinux(pid: number): Promise<ProcessIdentity | null> {
  const [stat, executable, commandLine, environment, boot] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readlink(`/proc/${pid}/exe`),
    readFile(`/proc/${pid}/cmdline`, 'utf8'),
    readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
  ]);
  // The program's name, in parentheses, may hold spaces; the 20th field after it is the start in ticks since boot.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (ticks === undefined) return null;
  return {
    pid,
    // Services start at about the same tick of every boot, so the boot belongs to it.
    startedAt: `${ticks} ${boot.trim()}`,
    executable,
    commandLine: commandLine.replaceAll('\0', ' ').trim(),
    nonce: nonceIn(environment),
  };
}

function nonceIn(environment: string): string | null {
  const start = `${nonceVariable}=`;
  const entry = environment.split('\0').find((candidate) => candidate.startsWith(start));
  return entry?.slice(start.length) ?? null;
}

async function identifyByPs(pid: number): Promise<ProcessIdentity | null> {
  const read = async (field: string): Promise<string> =>
    (await run('ps', ['-o', `${field}=`, '-p', String(pid)], { timeout: lookUpMs })).stdout.trim();
  const [startedAt, executable, commandLine] = await Promise.all([read('lstart'), read('comm'), read('command')]);
  return startedAt === '' ? null : { pid, startedAt, executable, commandLine, nonce: null };
}

async function identifyOnWindows(pid: number): Promise<ProcessIdentity | null> {
  const query =
    `Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}' | ` +
    "ForEach-Object { $_.CreationDate.ToString('o'); $_.ExecutablePath; $_.CommandLine }";
  const { stdout } = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', query], {
    timeout: lookUpMs,
    windowsHide: true,
  });
  const [startedAt, executable, commandLine] = stdout.split(/\r?\n/);
  if (!startedAt || !executable) return null;
  return { pid, startedAt, executable, commandLine: commandLine ?? '', nonce: null };
}
