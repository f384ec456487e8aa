import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { OllamaKeeper } from './advice.ts';

/** Who runs the program that listens on a port, as far as this user may see. */
export interface Keeper {
  readonly pid: number | null;
  readonly keeper: OllamaKeeper;
  /** Its OLLAMA_… variables; null where they are another user's secret. */
  readonly settings: Readonly<Record<string, string>> | null;
}

export interface KeeperDeps {
  readonly platform: NodeJS.Platform;
  /** Where Linux shows its processes. Default: /proc. */
  readonly procDir?: string;
  /** The processes of Windows, as `tasklist /FO CSV /NH` lists them. */
  readonly listTasks?: () => Promise<string>;
}

const run = promisify(execFile);
const unknown: Keeper = { pid: null, keeper: 'someone-else', settings: null };

/** Looks up who runs the Ollama on a loopback port. Never rejects: what cannot be seen is `someone-else`. */
export async function findKeeper(port: number, deps: KeeperDeps): Promise<Keeper> {
  try {
    if (deps.platform === 'linux') return await onLinux(port, deps.procDir ?? '/proc');
    if (deps.platform === 'win32') return onWindows(await (deps.listTasks ?? listTasks)());
    return unknown;
  } catch {
    return unknown;
  }
}

/** The tray app keeps its server alive: where it runs, it is the one to ask. */
function onWindows(tasks: string): Keeper {
  return /^"ollama app\.exe"/im.test(tasks) ? { ...unknown, keeper: 'windows-app' } : unknown;
}

async function listTasks(): Promise<string> {
  const { stdout } = await run('tasklist', ['/FO', 'CSV', '/NH'], { timeout: 10_000, windowsHide: true });
  return stdout;
}

async function onLinux(port: number, procDir: string): Promise<Keeper> {
  const socket = await listeningSocket(port, procDir);
  if (!socket) return unknown;
  const pids = (await readdir(procDir)).filter((name) => /^\d+$/.test(name)).map(Number);
  const pid = (await holderOf(socket.inode, pids, procDir)) ?? (await serverOf(socket.uid, pids, procDir));
  if (pid === null) return unknown;
  const cgroup = await readFile(path.join(procDir, String(pid), 'cgroup'), 'utf8').catch(() => '');
  return {
    pid,
    keeper: /\/ollama\.service(?:\/|$)/m.test(cgroup) ? 'systemd' : 'someone-else',
    settings: await settingsOf(pid, procDir),
  };
}

interface ListeningSocket {
  readonly inode: string;
  readonly uid: number;
}

async function listeningSocket(port: number, procDir: string): Promise<ListeningSocket | null> {
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(path.join(procDir, 'net', table), 'utf8').catch(() => '');
    const found = listenerIn(text, port);
    if (found) return found;
  }
  return null;
}

/** The socket that listens on a port, in a table such as /proc/net/tcp; null when none does. */
export function listenerIn(table: string, port: number): ListeningSocket | null {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const listens = state === '0A';
    if (listens && local?.endsWith(ending) && inode !== undefined) return { inode, uid: Number(uid) };
  }
  return null;
}

/** The process that holds the socket open; null when it is another user's. */
async function holderOf(inode: string, pids: readonly number[], procDir: string): Promise<number | null> {
  for (const pid of pids) {
    const folder = path.join(procDir, String(pid), 'fd');
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const target = await readlink(path.join(folder, name)).catch(() => '');
      if (target === `socket:[${inode}]`) return pid;
    }
  }
  return null;
}

/** The one `ollama serve` of a user whose open files may not be seen; null when there is none, or more than one. */
async function serverOf(uid: number, pids: readonly number[], procDir: string): Promise<number | null> {
  const servers: number[] = [];
  for (const pid of pids) {
    const folder = path.join(procDir, String(pid));
    const [program, verb] = (await readFile(path.join(folder, 'cmdline'), 'utf8').catch(() => '')).split('\0');
    if (path.basename(program ?? '') !== 'ollama' || verb !== 'serve') continue;
    const owner = await stat(folder).catch(() => null);
    if (owner?.uid === uid) servers.push(pid);
  }
  return servers.length === 1 ? (servers[0] ?? null) : null;
}

async function settingsOf(pid: number, procDir: string): Promise<Record<string, string> | null> {
  const environment = await readFile(path.join(procDir, String(pid), 'environ'), 'utf8').catch(() => null);
  return environment === null ? null : ollamaSettings(environment);
}

/** The OLLAMA_… variables in the environment of a process, as /proc shows it; all others stay unread. */
export function ollamaSettings(environment: string): Record<string, string> {
  return Object.fromEntries(
    environment.split('\0').flatMap((entry) => {
      const match = /^(OLLAMA_[A-Z_]+)=(.*)$/s.exec(entry);
      return match?.[1] === undefined ? [] : [[match[1], match[2] ?? '']];
    }),
  );
}
