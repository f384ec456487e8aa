import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../../electron/client/control-client.ts';
import { agentFilePath } from '../../../electron/host/agent-file.ts';
import { acquireOwnerLock } from '../../../electron/host/owner-lock.ts';
import { isProcessAlive } from '../../../electron/host/process-identity.ts';
import { AgentProcess, startAgent } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { chat, enginePids, readyClient, textOf, until } from './real-agent.ts';

/** Puts a folder where the agent wants a file, and says where. */
async function blocked(dataDir: string, name: string): Promise<string> {
  await mkdir(join(dataDir, name), { recursive: true });
  return join(dataDir, name.startsWith('logs') ? 'logs' : name);
}

/** Puts a file where the agent wants a folder, and says where. */
async function plainFile(dataDir: string, name: string): Promise<string> {
  await writeFile(join(dataDir, name), '');
  return join(dataDir, name);
}

describe('a fresh node', () => {
  it('answers with the self-test sentence, streamed, and says how to get a real model', async () => {
    await using agent = await startAgent();
    const client = await readyClient(agent);
    const response = await chat(agent, { messages: [{ role: 'user', content: 'hello' }], stream: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ranch-route')).toBe('local');
    expect(response.headers.get('x-ranch-trace')).toMatch(/\S/);
    const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('data: '));
    expect(events.length).toBeGreaterThan(5);
    expect(events.at(-1)).toBe('data: [DONE]');
    expect(textOf(events)).toContain('model');
    const { notices, models } = await client.snapshot();
    expect(notices.map((notice) => notice.id)).toContain('self-test-model');
    expect(models.find((model) => model.isDefault)).toMatchObject({ selfTest: true, loaded: true });
  });

  it.skipIf(process.platform === 'win32')('keeps its folder and its address to this user', async () => {
    const dataDir = join(tempFolder(), 'node');
    await using agent = await startAgent({ dataDir });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(agentFilePath(dataDir))).mode & 0o777).toBe(0o600);
    await agent.stop();
    await expect(stat(agentFilePath(dataDir))).rejects.toThrow(/ENOENT/);
  });

  it.each(['', 'Foo/Bar', ':/etc/localtime'])(
    'comes up where the environment names no known time zone: %j',
    async (TZ) => {
      await using agent = await startAgent({ env: { TZ } });
      const client = await readyClient(agent);
      expect(await client.query('cloud', {})).toMatchObject({ timeZone: 'UTC' });
      expect((await client.query('usage', { by: 'day' })).rows).toEqual([]);
    },
  );

  it('comes up with everything of the cloud damaged, and answers here', async () => {
    const dataDir = tempFolder();
    for (const name of ['ledger.db', 'offload.json', 'secrets.json'])
      await writeFile(join(dataDir, name), 'no such thing');
    await writeFile(join(dataDir, 'ledger'), '');
    await using agent = await startAgent({ dataDir, env: { RANCH_HAND_SECRETS_STORE: 'file' } });
    const client = await readyClient(agent);
    expect((await chat(agent, { messages: [{ role: 'user', content: 'hello' }] })).status).toBe(200);
    const { cloud, notices } = await client.snapshot();
    expect(cloud.offload).toBe('off');
    expect(notices.map(({ id }) => id)).toEqual(expect.arrayContaining(['offload-file', 'secrets-corrupt']));
  });

  it('stops in order on SIGTERM: exit 0, no engine left', async () => {
    await using agent = await startAgent();
    const client = await readyClient(agent);
    const pids = enginePids(await client.snapshot());
    expect(pids).toHaveLength(1);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(pids.filter(isProcessAlive)).toEqual([]);
  });

  it
    .skipIf(process.platform === 'win32')
    .each(['owner.lock', 'agent.1.log', 'engine-processes.json', 'engine-embedded.log', 'node.json', 'agent.json'])(
    'stops cleanly when it is told to while it starts: as soon as %s is there',
    async (name) => {
      const dataDir = tempFolder();
      const folders = [dataDir, join(dataDir, 'logs')];
      await mkdir(join(dataDir, 'logs'));
      const seen = Promise.withResolvers<undefined>();
      const watchers = folders.map((folder) =>
        watch(folder, (_event, changed) => {
          if (changed === name) seen.resolve(undefined);
        }),
      );
      const agent = new AgentProcess({ dataDir });
      await Promise.race([seen.promise, agent.exited]);
      for (const watcher of watchers) watcher.close();
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      expect(agent.output).not.toContain('ranch-hand: ');
      const left = await readdir(dataDir);
      expect(left).not.toContain('agent.json');
      expect(left).not.toContain('engine-processes.json');
      acquireOwnerLock(dataDir).release();
    },
  );

  it('stops when the control API asks for it', async () => {
    await using agent = await startAgent();
    await new ControlClient({ url: agent.file.controlUrl, token: agent.file.controlToken }).command(
      'agent.shutdown',
      {},
    );
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });

  it('writes no prompt, no answer and no key into its folder', async () => {
    const dataDir = tempFolder();
    await using agent = await startAgent({ dataDir, args: ['--log-level', 'debug'] });
    await readyClient(agent);
    const canary = 'canary-8f1c2d';
    await chat(agent, { messages: [{ role: 'user', content: canary }] }, { authorization: 'Bearer sk-canary-key-55' });
    await chat(agent, { messages: canary }, { authorization: 'Bearer sk-canary-key-55' });
    const { controlToken } = agent.file;
    await agent.stop();
    const files = await readdir(dataDir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = await readFile(join(file.parentPath, file.name), 'latin1');
      for (const secret of [canary, 'sk-canary-key-55', controlToken]) expect(text, file.name).not.toContain(secret);
    }
  });
});

describe('faults around the process', () => {
  it('F7 port taken: names the holder and the way round, kills nothing, exit 1', async () => {
    const holder = spawn(process.execPath, [
      '-e',
      'const s=require("net").createServer().listen(0,"127.0.0.1",()=>console.log(s.address().port))',
    ]);
    try {
      const port = Number(String((await once(holder.stdout, 'data'))[0]));
      const agent = new AgentProcess({ args: ['--gateway', `127.0.0.1:${port}`] });
      expect(await agent.exited).toEqual({ code: 1, signal: null });
      expect(agent.output).toContain(`port ${port}`);
      if (process.platform === 'linux') {
        expect(agent.output).toContain(`${basename(process.execPath)} (pid ${holder.pid ?? 0})`);
      }
      expect(agent.output).toContain('port_taken');
      // What it proposes works as it stands.
      const proposed = /--gateway (127\.0\.0\.1:\d+)/.exec(agent.output)?.[1] ?? '';
      await using second = await startAgent({ args: ['--gateway', proposed] });
      expect(second.gatewayUrl).toBe(`http://${proposed}`);
      expect(holder.exitCode).toBeNull();
      await agent[Symbol.asyncDispose]();
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('F34 two agents started together: one owns the folder, the other leaves with a message', async () => {
    const dataDir = tempFolder();
    const agents = [new AgentProcess({ dataDir }), new AgentProcess({ dataDir })];
    const loser = await Promise.race(
      agents.map(async (agent) => {
        await agent.exited;
        return agent;
      }),
    );
    const winner = agents.find((agent) => agent !== loser);
    expect(await loser.exited).toEqual({ code: 1, signal: null });
    expect(loser.output).toContain('data_folder_in_use');
    await winner?.ready();
    expect(await winner?.stop()).toEqual({ code: 0, signal: null });
  });

  it('F9 agent.json left by a killed agent names a foreign process: it is not touched, and the node starts', async () => {
    const dataDir = tempFolder();
    const foreign: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
    try {
      await once(foreign, 'spawn');
      const file = {
        pid: foreign.pid,
        version: '0.1.0',
        startedAt: '2026-01-01T00:00:00.000Z',
        controlUrl: 'http://127.0.0.1:9',
      };
      await writeFile(
        agentFilePath(dataDir),
        JSON.stringify({ ...file, controlToken: 'x'.repeat(40), gatewayUrl: 'http://127.0.0.1:9' }),
      );
      await using agent = await startAgent({ dataDir });
      expect(agent.file.pid).toBe(agent.child.pid);
      expect(foreign.exitCode).toBeNull();
    } finally {
      foreign.kill('SIGKILL');
    }
  });

  it('F33 a broken config.json does not keep the node from starting, and is said aloud', async () => {
    const dataDir = tempFolder();
    await writeFile(join(dataDir, 'config.json'), '\0\0\0');
    await using agent = await startAgent({ dataDir });
    const client = await readyClient(agent);
    const { notices } = await client.snapshot();
    expect(notices.map((notice) => notice.sentence).join(' ')).toContain('config.json could not be read');
    expect((await readdir(dataDir)).some((name) => name.startsWith('config.json.corrupt-'))).toBe(true);
  });

  it.each<[string, string, number, (dataDir: string) => Promise<string>]>([
    ['config.json is a folder', 'settings_invalid] EISDIR', 2, (dataDir) => blocked(dataDir, 'config.json')],
    ['agent.json is a folder', 'data_folder_unusable] ERR_FS_EISDIR', 1, (dataDir) => blocked(dataDir, 'agent.json')],
    ['owner.lock is a folder', 'data_folder_unusable] unable to open', 1, (dataDir) => blocked(dataDir, 'owner.lock')],
    ['its log is a folder', 'data_folder_unusable] EISDIR', 1, (dataDir) => blocked(dataDir, 'logs/agent.1.log')],
    ['the logs folder is a file', 'data_folder_unusable] ENOTDIR', 1, (dataDir) => plainFile(dataDir, 'logs')],
  ])('says which file keeps it from starting and why: %s', async (_name, expected, code, spoil) => {
    const dataDir = tempFolder();
    const path = await spoil(dataDir);
    const agent = new AgentProcess({ dataDir });
    expect(await agent.exited).toEqual({ code, signal: null });
    const [errorCode = '', cause = ''] = expected.split('] ');
    expect(agent.output).toContain(path);
    expect(agent.output).toContain(cause);
    expect(agent.output).toContain(`[${errorCode}]`);
  });

  it('says why a data folder below a plain file cannot be made', async () => {
    const file = await plainFile(tempFolder(), 'file');
    const agent = new AgentProcess({ dataDir: join(file, 'deep', 'node') });
    expect(await agent.exited).toEqual({ code: 1, signal: null });
    expect(agent.output).toMatch(/file.*\(ENOTDIR\).*\[data_folder_unusable\]/);
  });

  it.runIf(process.platform === 'linux')('says at once that a data folder in /proc cannot be made', async () => {
    const agent = new AgentProcess({ dataDir: '/proc/ranch-hand/node' });
    expect(await agent.exited).toEqual({ code: 1, signal: null });
    expect(agent.output).toMatch(/\/proc\/ranch-hand.*\(ENOENT\).*\[data_folder_unusable\]/);
  });

  it('refuses an empty --data-dir with exit 2', async () => {
    const agent = new AgentProcess({ args: ['--data-dir', ''] });
    expect(await agent.exited).toEqual({ code: 2, signal: null });
    expect(agent.output).toContain('--data-dir needs a folder');
    await agent[Symbol.asyncDispose]();
  });

  it.each([['gateway.port=70000'], ['gateway.host=0.0.0.0'], ['cow.bell=1'], ['nonsense']])(
    'B66 --set %s is refused with a sentence and exit 2',
    async (assignment) => {
      const agent = new AgentProcess({ args: ['--set', assignment] });
      expect(await agent.exited).toEqual({ code: 2, signal: null });
      expect(agent.output).toMatch(/^ranch-hand: .+ \[(settings_invalid|invalid_request)\]\n$/);
      await agent[Symbol.asyncDispose]();
    },
  );

  it('keeps the panel signed in over a restart: the same address, the same session', async () => {
    const dataDir = tempFolder();
    let cookie = '';
    let controlUrl = '';
    {
      await using agent = await startAgent({ dataDir });
      const { url } = await new ControlClient({ url: agent.file.controlUrl, token: agent.file.controlToken }).ticket();
      const signedIn = await fetch(url, { redirect: 'manual' });
      cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
      controlUrl = agent.file.controlUrl;
    }
    await using agent = await startAgent({ dataDir });
    expect(agent.file.controlUrl).toBe(controlUrl);
    const response = await fetch(`${controlUrl}/control/v1/snapshot`, { headers: { cookie } });
    expect(response.status).toBe(200);
  });
});

describe('under systemd', () => {
  it.runIf(process.platform === 'linux')('tells READY, WATCHDOG and STOPPING', async () => {
    const folder = tempFolder();
    const record = join(folder, 'record');
    await writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> '${record}'\n`);
    await chmod(join(folder, 'systemd-notify'), 0o755);
    const env = {
      NOTIFY_SOCKET: join(folder, 'socket'),
      WATCHDOG_USEC: '200000',
      PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
    };
    await using agent = await startAgent({ env });
    await until(async () => (await readFile(record, 'utf8').catch(() => '')).includes('WATCHDOG=1'));
    await agent.stop();
    const lines = (await readFile(record, 'utf8')).trim().split('\n');
    expect(lines).toContain('WATCHDOG=1');
    // Each is told by a program of its own, and a beat may overtake; a stop that takes a while is alive all the same.
    const others = lines.filter((line) => line !== 'WATCHDOG=1');
    expect(others).toEqual([`READY=1 MAINPID=${agent.child.pid ?? 0}`, 'STOPPING=1']);
  });
});
