import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Resident memory of a process, bytes; null where the system does not tell it cheaply, or the process is gone. */
export type ReadProcessMemory = (pid: number) => Promise<number | null>;

export const readProcessMemory: ReadProcessMemory = async (pid) => {
  try {
    if (process.platform === 'linux') {
      return kilobytes(/^VmRSS:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
    }
    if (process.platform === 'win32') return null;
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)], { timeout: 5_000 });
    return kilobytes(stdout.trim());
  } catch {
    return null;
  }
};

function kilobytes(text: string | undefined): number | null {
  const figure = Number(text);
  return Number.isFinite(figure) && figure > 0 ? figure * 1024 : null;
}
