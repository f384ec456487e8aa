import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentFilePath, readAgentFile, removeAgentFile, writeAgentFile } from '../../../electron/host/agent-file.ts';
import { acquireOwnerLock } from '../../../electron/host/owner-lock.ts';
import { freePortNear } from '../../../electron/host/free-port.ts';
import { portHolder } from '../../../electron/host/port-holder.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ranch-hand-host-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const file = {
  pid: process.pid,
  version: '0.1.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  controlUrl: 'http://127.0.0.1:1',
  controlToken: 't'.repeat(43),
  gatewayUrl: 'http://127.0.0.1:2',
};

describe('agent.json', () => {
  it.skipIf(process.platform === 'win32')(
    'is readable by this user only, and comes back as it was written',
    async () => {
      writeAgentFile(folder, file);
      expect((await stat(agentFilePath(folder))).mode & 0o777).toBe(0o600);
      expect(await readAgentFile(folder)).toEqual(file);
      await removeAgentFile(folder);
      expect(await readAgentFile(folder)).toBeNull();
    },
  );

  it('F9 a file that names a process that is gone counts as no agent', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeAgentFile(folder, { ...file, pid: child.pid ?? 0 });
    expect(await readAgentFile(folder)).toBeNull();
  });

  it('a file that is not understood counts as no agent, and is left alone', async () => {
    await writeFile(agentFilePath(folder), '{"pid":');
    expect(await readAgentFile(folder)).toBeNull();
    expect(await readFile(agentFilePath(folder), 'utf8')).toBe('{"pid":');
  });
});

describe('owner lock', () => {
  it('F34 a second owner of the same folder is refused, and let in once the first has left', () => {
    const first = acquireOwnerLock(folder);
    expect(() => acquireOwnerLock(folder)).toThrow(expect.objectContaining({ code: 'data_folder_in_use' }));
    first.release();
    acquireOwnerLock(folder).release();
  });

  it('a kill -9 of the owner frees the folder', async () => {
    const script = `
      import { acquireOwnerLock } from ${JSON.stringify(new URL('../../../electron/host/owner-lock.ts', import.meta.url).href)};
      acquireOwnerLock(${JSON.stringify(folder)});
      process.stdout.write('held');
      setInterval(() => undefined, 60_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => acquireOwnerLock(folder)).toThrow(expect.objectContaining({ code: 'data_folder_in_use' }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    acquireOwnerLock(folder).release();
  });
});

describe('portHolder', () => {
  it.runIf(process.platform === 'linux')('names the process that listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await portHolder(port)).toEqual({ pid: process.pid, program: basename(process.execPath) });
    server.close();
    await once(server, 'close');
    expect(await portHolder(port)).toBeNull();
  });
});

describe('freePortNear', () => {
  it('passes over a port that is taken, and stays within what a port may be', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const near = await freePortNear('127.0.0.1', port - 1);
    expect(near).not.toBeNull();
    expect(near).not.toBe(port);
    const last = await freePortNear('127.0.0.1', 65_535);
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThan(65_535);
    server.close();
    await once(server, 'close');
  });
});
