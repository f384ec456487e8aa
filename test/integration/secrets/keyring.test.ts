import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Keyring } from '../../../electron/agent/config/secrets/keyring.ts';
import { openSecrets, type Secrets } from '../../../electron/agent/config/secrets/secrets.ts';
import { FakeDesktop } from '../../fakes/fake-secret-service-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const key = 'sk-test-0123456789abcdef';
const childFile = join(projectRoot, 'electron/agent/config/secrets/keyring-child.ts');

/** The library has no build for every platform, and a bus of one's own needs dbus-daemon. */
function hasDesktop(): boolean {
  if (process.platform !== 'linux') return false;
  if (spawnSync('dbus-daemon', ['--version']).status !== 0) return false;
  try {
    createRequire(import.meta.url).resolve('@napi-rs/keyring');
    return true;
  } catch {
    return false;
  }
}

function keyringOn(desktop: FakeDesktop, promptMs?: number): Keyring {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...desktop.env };
  return new Keyring(
    { childFile, platform: process.platform, env, ...(promptMs === undefined ? {} : { promptMs }) },
    { clock: systemClock },
  );
}

function secretsOn(desktop: FakeDesktop, dataDir: string): Promise<Secrets> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...desktop.env };
  return openSecrets({ dataDir, env, platform: process.platform, childFile }, { logger: silentLogger });
}

/** All that is in the files of a folder. */
function textOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

describe.runIf(hasDesktop())('the keyring of a desktop, by its own protocol', () => {
  it('keeps a key, gives it back, and forgets it', async () => {
    await using desktop = await FakeDesktop.start({ keyring: true });
    const keyring = keyringOn(desktop);
    expect(await keyring.ask({ op: 'get', account: 'openai' })).toEqual({ kind: 'none' });
    expect(await keyring.ask({ op: 'set', account: 'openai', value: key })).toEqual({ kind: 'done' });
    expect(await keyring.ask({ op: 'get', account: 'openai' })).toEqual({ kind: 'value', value: key });
    expect(await keyring.ask({ op: 'get', account: 'xai' })).toEqual({ kind: 'none' });
    expect(await keyring.ask({ op: 'delete', account: 'openai' })).toEqual({ kind: 'done' });
    expect(await keyring.ask({ op: 'delete', account: 'openai' })).toEqual({ kind: 'done' });
    expect(await keyring.ask({ op: 'get', account: 'openai' })).toEqual({ kind: 'none' });
  });

  it('F35 where nobody keeps a keyring, the kernel’s, which forgets at the next start, is none either', async () => {
    await using desktop = await FakeDesktop.start({ keyring: false });
    const answer = await keyringOn(desktop).ask({ op: 'set', account: 'openai', value: key });
    expect(answer).toMatchObject({ kind: 'absent' });
  });

  it('F35 a keyring that is locked and waits for a password is given up, and its child with it', async () => {
    await using desktop = await FakeDesktop.start({ keyring: true });
    const keyring = keyringOn(desktop);
    await keyring.ask({ op: 'set', account: 'openai', value: key });
    await desktop.keyring('lock');
    const answer = await keyringOn(desktop, 500).ask({ op: 'get', account: 'openai' });
    expect(answer).toEqual({ kind: 'locked', dismissed: false });
  });

  it('F35 starts locked, writes nothing down, and has the key as soon as the password is typed', async () => {
    await using desktop = await FakeDesktop.start({ keyring: true });
    const dataDir = tempFolder();
    const before = await secretsOn(desktop, dataDir);
    await before.set('openai', key);
    expect(textOf(dataDir)).not.toContain(key);
    await desktop.keyring('lock');
    const secrets = await secretsOn(desktop, dataDir);
    const changed = new Promise<string>((resolve) => secrets.changed.subscribe(resolve));
    expect(await secrets.read('openai')).toMatchObject({ kind: 'locked' });
    await desktop.keyring('unlock');
    expect(await changed).toBe('openai');
    expect(await secrets.read('openai')).toEqual({ kind: 'key', value: key });
    expect(textOf(dataDir)).not.toContain(key);
    await secrets.stop();
  });
});

it('F35 a child that dies or says nonsense counts as a keyring that is locked', async () => {
  const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
  const options = { platform: process.platform, env };
  const dead = new Keyring({ ...options, childFile: '/nowhere/keyring.js' }, { clock: systemClock });
  expect(await dead.ask({ op: 'get', account: 'openai' })).toEqual({ kind: 'locked', dismissed: false });
});

it('a child ends when whoever started it does', async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [childFile], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const exited = once(child, 'exit');
  child.stdin.end();
  expect((await exited)[0]).toBe(0);
});
