import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { programName } from './process-identity.ts';

/** Who listens on a TCP port. `null` fields: the system does not tell (another user's process, or no such tool). */
export interface PortHolder {
  readonly pid: number | null;
  readonly program: string | null;
}

/** Who listens on `port` of this machine; null when nobody seems to. Only called after a bind has failed. */
export async function portHolder(
  port: number,
  platform: NodeJS.Platform = process.platform,
): Promise<PortHolder | null> {
  if (platform === 'linux') return linuxHolder(port);
  if (platform === 'win32') return windowsHolder(port);
  return lsofHolder(port);
}

/** "program (pid 123)", as far as it is known. */
export function describeHolder(holder: PortHolder | null): string {
  if (holder === null || (holder.pid === null && holder.program === null)) return 'another program';
  if (holder.pid === null) return holder.program ?? 'another program';
  return holder.program === null ? `the process with pid ${holder.pid}` : `${holder.program} (pid ${holder.pid})`;
}

/**
 * Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6: column 2 is address:port in
 * hex, column 4 the state (0A = listening), column 10 the inode.
 */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) === true && columns[3] === '0A')
    .flatMap((columns) => (columns[9] === undefined ? [] : [columns[9]]));
}

/** Pid that listens on `port`, from the output of `netstat -ano -p TCP`; the state's name is translated, so not read. */
export function netstatPid(output: string, port: number): number | null {
  for (const line of output.split(/\r?\n/)) {
    const [protocol, local, remote, , pid] = line.trim().split(/\s+/);
    // A listening socket has no peer: its remote address ends in port 0.
    if (protocol === 'TCP' && local?.endsWith(`:${port}`) === true && remote?.endsWith(':0') === true) {
      const parsed = Number(pid);
      if (Number.isInteger(parsed) && parsed > 0) return parsed;
    }
  }
  return null;
}

async function linuxHolder(port: number): Promise<PortHolder | null> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return null;
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  for (const pid of await processIds()) {
    if (await holdsOneOf(pid, links)) return { pid, program: programName(pid) };
  }
  return { pid: null, program: null };
}

async function processIds(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
}

async function holdsOneOf(pid: number, links: ReadonlySet<string>): Promise<boolean> {
  // Other users' descriptors are not readable: the holder then stays unnamed.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (links.has(target)) return true;
  }
  return false;
}

async function windowsHolder(port: number): Promise<PortHolder | null> {
  const pid = netstatPid(await outputOf('netstat', ['-ano', '-p', 'TCP']), port);
  if (pid === null) return null;
  const row = await outputOf('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']);
  return { pid, program: /^"([^"]+)"/.exec(row.trim())?.[1] ?? null };
}

async function lsofHolder(port: number): Promise<PortHolder | null> {
  const fields = await outputOf('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const pid = Number(/^p(\d+)$/m.exec(fields)?.[1]);
  if (!Number.isInteger(pid)) return null;
  return { pid, program: /^c(.+)$/m.exec(fields)?.[1] ?? null };
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], { timeout: 5_000, windowsHide: true });
    return stdout;
  } catch {
    // The tool is missing or refused: the holder stays unnamed, which is all it is for.
    return '';
  }
}
