import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findKeeper, listenerIn, ollamaSettings } from '../../../../electron/agent/engines/ollama/keeper.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (address: string, state: string, uid: number, inode: number): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 100 0\n`;

/** A folder like /proc in which a process listens on 11434 (2CAA). */
function proc(process: { pid: number; cgroup: string; environ: string | null; inode: number | null }): string {
  const folder = tempFolder();
  const own = join(folder, String(process.pid));
  mkdirSync(join(own, 'fd'), { recursive: true });
  mkdirSync(join(folder, 'net'));
  mkdirSync(join(folder, 'sys'));
  const uid = typeof globalThis.process.getuid === 'function' ? globalThis.process.getuid() : 0;
  writeFileSync(
    join(folder, 'net', 'tcp'),
    head + line('0100007F:2CAA', '01', uid, 7) + line('0100007F:2CAA', '0A', uid, 4_242),
  );
  writeFileSync(join(own, 'cgroup'), process.cgroup);
  writeFileSync(join(own, 'cmdline'), '/usr/local/bin/ollama\0serve\0');
  if (process.environ !== null) writeFileSync(join(own, 'environ'), process.environ);
  if (process.inode !== null) symlinkSync(`socket:[${process.inode}]`, join(own, 'fd', '3'));
  return folder;
}

it('recognises the service of systemd, and reads its settings and nothing else of its environment', async () => {
  const procDir = proc({
    pid: 77,
    cgroup: '0::/system.slice/ollama.service\n',
    environ: 'PATH=/bin\0OLLAMA_NUM_PARALLEL=3\0SECRET=x\0',
    inode: 4_242,
  });
  expect(await findKeeper(11_434, { platform: 'linux', procDir })).toEqual({
    pid: 77,
    keeper: 'systemd',
    settings: { OLLAMA_NUM_PARALLEL: '3' },
  });
});

it('finds the one server of the socket’s user where its open files may not be seen', async () => {
  const procDir = proc({ pid: 78, cgroup: '0::/user.slice/session-1.scope\n', environ: null, inode: null });
  expect(await findKeeper(11_434, { platform: 'linux', procDir })).toEqual({
    pid: 78,
    keeper: 'someone-else',
    settings: null,
  });
});

it('says someone else where nothing can be seen', async () => {
  const unknown = { pid: null, keeper: 'someone-else', settings: null };
  expect(await findKeeper(1, { platform: 'linux', procDir: tempFolder() })).toEqual(unknown);
  expect(await findKeeper(1, { platform: 'darwin' })).toEqual(unknown);
  const broken = { platform: 'win32', listTasks: () => Promise.reject(new Error('no tasklist')) } as const;
  expect(await findKeeper(1, broken)).toEqual(unknown);
});

it('recognises the tray app of Windows', async () => {
  const listTasks = (): Promise<string> =>
    Promise.resolve('"ollama app.exe","4","Console","1","9 K"\r\n"ollama.exe","5","Console","1","9 K"');
  expect((await findKeeper(1, { platform: 'win32', listTasks })).keeper).toBe('windows-app');
  const bare = (): Promise<string> => Promise.resolve('"ollama.exe","5","Console","1","9 K"');
  expect((await findKeeper(1, { platform: 'win32', listTasks: bare })).keeper).toBe('someone-else');
});

it('reads the table of sockets', () => {
  const table = head + line('00000000:1F90', '0A', 5, 9) + line('00000000000000000000000000000000:2CAA', '0A', 6, 10);
  expect(listenerIn(table, 8_080)).toEqual({ inode: '9', uid: 5 });
  expect(listenerIn(table, 11_434)).toEqual({ inode: '10', uid: 6 });
  expect(listenerIn(table, 80)).toBeNull();
  expect(ollamaSettings('OLLAMA_HOST=a=b\0HOME=/x\0')).toEqual({ OLLAMA_HOST: 'a=b' });
});
