import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import type { KeyringRequest } from '../../../../electron/agent/config/secrets/keyring-protocol.ts';
import type { KeyringAnswer, KeyringPort } from '../../../../electron/agent/config/secrets/keyring.ts';
import { openSecrets, type Secrets } from '../../../../electron/agent/config/secrets/secrets.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const key = 'sk-test-0123456789abcdef';
const other = 'sk-test-fedcba9876543210';

/** A keyring in memory, whose state a test chooses. */
class FakeKeyring implements KeyringPort {
  state: 'open' | 'locked' | 'dismissed' | 'absent' | 'hangs' = 'open';
  readonly entries = new Map<string, string>();
  readonly asked: KeyringRequest['op'][] = [];
  #waiting: (() => void)[] = [];

  absence(): string | null {
    return this.state === 'absent' ? 'there is none here' : null;
  }

  async ask(request: KeyringRequest): Promise<KeyringAnswer> {
    this.asked.push(request.op);
    const before = this.entries.get(request.account);
    if (this.state === 'hangs') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const { state } = this;
    if (state === 'absent') return { kind: 'absent', why: 'there is none here' };
    if (state === 'locked' || state === 'dismissed') return { kind: 'locked', dismissed: state === 'dismissed' };
    if (request.op === 'set') this.entries.set(request.account, request.value);
    else if (request.op === 'delete') this.entries.delete(request.account);
    else {
      return before === undefined ? { kind: 'none' } : { kind: 'value', value: before };
    }
    return { kind: 'done' };
  }

  /** Somebody has typed the password, or else. */
  become(state: FakeKeyring['state']): void {
    this.state = state;
    for (const go of this.#waiting.splice(0)) go();
  }

  stop(): void {
    this.become('locked');
  }
}

interface Node {
  readonly dataDir: string;
  readonly keyring: FakeKeyring;
  readonly clock: ManualClock;
  readonly logged: string[];
  readonly env: Record<string, string>;
  open(): Promise<Secrets>;
  text(): string;
}

function node(env: Record<string, string> = {}): Node {
  const dataDir = tempFolder();
  const keyring = new FakeKeyring();
  const clock = new ManualClock();
  const logged: string[] = [];
  const note = (fields: object, message: string): void => {
    logged.push(`${JSON.stringify(fields)} ${message}`);
  };
  const logger = { debug: note, info: note, warn: note, error: note };
  const options = { dataDir, env, platform: process.platform, childFile: '/nowhere/keyring.js' };
  const file = join(dataDir, 'secrets.json');
  return {
    dataDir,
    keyring,
    clock,
    logged,
    env,
    open: () => openSecrets(options, { logger, clock, keyring }),
    text: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
  };
}

/** Lets everything that can go on go on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const open = { kind: 'key', value: key } as const;

describe('where there is a keyring', () => {
  it('keeps a key there, and only the name of the store on disk', async () => {
    const at = node();
    const secrets = await at.open();
    await secrets.set('openai', ` ${key}\n`);
    expect(await secrets.read('openai')).toEqual(open);
    expect(at.keyring.entries).toEqual(new Map([['openai', key]]));
    expect(at.text()).not.toContain(key);
    expect(await secrets.rows(['openai', 'xai'])).toEqual([
      { provider: 'openai', state: 'set', store: 'keyring', sentence: null },
      { provider: 'xai', state: 'missing', store: null, sentence: null },
    ]);
    expect(secrets.notices()).toEqual([]);
    // After a restart it is found there again.
    expect(await (await at.open()).read('openai')).toEqual(open);
  });

  it('asks no keyring for keys that were never put there', async () => {
    const at = node();
    at.keyring.state = 'locked';
    const secrets = await at.open();
    expect(await secrets.read('openai')).toEqual({ kind: 'missing' });
    await secrets.rows(['openai', 'anthropic', 'gemini']);
    expect(at.keyring.asked).toEqual([]);
  });

  it('moves a key out of the file when it is set again', async () => {
    const at = node();
    at.keyring.state = 'absent';
    await (await at.open()).set('openai', other);
    expect(at.text()).toContain(other);
    at.keyring.state = 'open';
    const secrets = await at.open();
    await secrets.set('openai', key);
    expect(at.text()).not.toContain(other);
    expect(await secrets.read('openai')).toEqual(open);
  });

  it('clears it there, and forgets it', async () => {
    const at = node();
    const secrets = await at.open();
    await secrets.set('openai', key);
    await secrets.clear('openai');
    expect(at.keyring.entries.size).toBe(0);
    expect(await secrets.read('openai')).toEqual({ kind: 'missing' });
    await secrets.clear('openai');
  });

  it('asks once, and says when a key changes', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.asked.splice(0);
    const secrets = await at.open();
    const heard: string[] = [];
    secrets.changed.subscribe((name) => heard.push(name));
    await Promise.all([secrets.read('openai'), secrets.read('openai')]);
    await secrets.read('openai');
    expect(at.keyring.asked).toEqual(['get']);
    expect(heard).toEqual([]);
    await secrets.set('openai', other);
    expect(heard).toEqual(['openai']);
    expect(await secrets.read('openai')).toEqual({ kind: 'key', value: other });
  });
});

describe('where the keyring is locked', () => {
  it('F35 a key that is in it counts as locked, and is never looked for elsewhere or written down', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.state = 'locked';
    const secrets = await at.open();
    const reading = await secrets.read('openai');
    expect(reading.kind).toBe('locked');
    expect(await secrets.rows(['openai'])).toMatchObject([{ state: 'locked', store: 'keyring' }]);
    expect(secrets.notices()).toMatchObject([{ id: 'secrets-locked', severity: 'warning' }]);
    await expect(secrets.set('openai', other)).rejects.toMatchObject({ code: 'conflict' });
    await expect(secrets.set('xai', other)).rejects.toMatchObject({ code: 'conflict' });
    await expect(secrets.clear('openai')).rejects.toMatchObject({ code: 'conflict' });
    for (const file of readdirSync(at.dataDir)) {
      expect(readFileSync(join(at.dataDir, file), 'utf8')).not.toMatch(/sk-test/);
    }
  });

  it('F35 the same where it has vanished, as when the node runs outside of the desktop', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.state = 'absent';
    const reading = await (await at.open()).read('openai');
    expect(reading).toMatchObject({
      kind: 'locked',
      sentence: expect.stringContaining('there is none here') as string,
    });
    expect(at.text()).not.toContain(key);
  });

  it('F35 opens by itself once the keyring does, and says so', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.state = 'locked';
    const secrets = await at.open();
    const heard: string[] = [];
    secrets.changed.subscribe((name) => heard.push(name));
    await secrets.read('openai');
    at.keyring.state = 'open';
    expect((await secrets.read('openai')).kind).toBe('locked');
    at.clock.advance(30_000);
    await settled();
    expect(heard).toEqual(['openai']);
    expect(await secrets.read('openai')).toEqual(open);
    expect(secrets.notices()).toEqual([]);
    expect(at.clock.waiting).toBe(0);
  });

  it('F35 whoever said no is asked again only when an operator looks', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.asked.splice(0);
    at.keyring.state = 'dismissed';
    const secrets = await at.open();
    await secrets.read('openai');
    at.clock.advance(3_600_000);
    await settled();
    expect(at.keyring.asked).toEqual(['get']);
    at.keyring.state = 'open';
    await secrets.rows(['openai']);
    await settled();
    expect(await secrets.read('openai')).toEqual(open);
  });

  it('F35 a keyring that asks a person holds a request up for seconds only, and nobody else at all', async () => {
    const at = node();
    at.keyring.state = 'absent';
    await (await at.open()).set('xai', other);
    at.keyring.state = 'open';
    await (await at.open()).set('openai', key);
    at.keyring.state = 'hangs';
    const secrets = await at.open();
    const heard: string[] = [];
    secrets.changed.subscribe((name) => heard.push(name));
    const first = secrets.read('openai');
    expect(await secrets.read('xai')).toEqual({ kind: 'key', value: other });
    at.clock.advance(5_000);
    expect((await first).kind).toBe('locked');
    // The next request does not wait again.
    expect((await secrets.read('openai')).kind).toBe('locked');
    at.keyring.become('open');
    await settled();
    expect(heard).toEqual(['openai']);
    expect(await secrets.read('openai')).toEqual(open);
  });

  it('a key that is set while the old one is being read is the one that counts', async () => {
    const at = node();
    await (await at.open()).set('openai', other);
    at.keyring.state = 'hangs';
    const secrets = await at.open();
    const reading = secrets.read('openai');
    at.keyring.state = 'open';
    await secrets.set('openai', key);
    at.keyring.become('open');
    expect(await reading).toEqual(open);
    expect(await secrets.read('openai')).toEqual(open);
  });
});

describe('where there is no keyring', () => {
  it('keeps keys in a file that only this user may read, and says so', async () => {
    const at = node();
    at.keyring.state = 'absent';
    const secrets = await at.open();
    await secrets.set('openai', key);
    expect(await (await at.open()).read('openai')).toEqual(open);
    if (process.platform !== 'win32') expect(statSync(join(at.dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
    const [notice] = secrets.notices();
    expect(notice).toMatchObject({ id: 'secrets-in-file', severity: 'warning' });
    expect(notice?.sentence).toMatch(/^Keys are kept in a file .+ because there is none here\./);
    const [row] = await secrets.rows(['openai']);
    expect(row).toMatchObject({ state: 'set', store: 'file' });
    expect(row?.sentence).toMatch(/because there is none here\.$/);
    await secrets.clear('openai');
    expect(at.text()).not.toContain(key);
    expect(secrets.notices()).toEqual([]);
  });

  it.runIf(process.platform !== 'win32')(
    'closes a file that others could read, and tells that they could',
    async () => {
      const at = node();
      at.keyring.state = 'absent';
      await (await at.open()).set('openai', key);
      chmodSync(join(at.dataDir, 'secrets.json'), 0o644);
      const secrets = await at.open();
      expect(statSync(join(at.dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
      expect(secrets.notices().map(({ id }) => id)).toContain('secrets-were-open');
      expect(await secrets.read('openai')).toEqual(open);
    },
  );

  it('sets a damaged file aside, says so, and looks for keys in the keyring', async () => {
    const at = node();
    at.keyring.entries.set('openai', key);
    writeFileSync(join(at.dataDir, 'secrets.json'), `{"keys": {"openai": "${other}`, { mode: 0o600 });
    const secrets = await at.open();
    expect(secrets.notices().map(({ id }) => id)).toEqual(['secrets-corrupt']);
    expect(await secrets.read('openai')).toEqual(open);
    expect(readdirSync(at.dataDir).some((name) => name.startsWith('secrets.json.corrupt-'))).toBe(true);
    // From now on it is noted again where the key is.
    expect(at.text()).toContain('"keyring"');
    expect(JSON.stringify([secrets.notices(), at.logged])).not.toMatch(/sk-test/);
  });

  it('opens with a damaged file that cannot be moved away too, says so, and leaves it', async () => {
    const at = node();
    const name = `secrets.json.corrupt-${new Date(at.clock.now()).toISOString().replaceAll(/[:.]/g, '-')}`;
    mkdirSync(join(at.dataDir, name));
    writeFileSync(join(at.dataDir, 'secrets.json'), '{', { mode: 0o600 });
    const secrets = await at.open();
    const [told] = secrets.notices();
    expect(told?.id).toBe('secrets-corrupt');
    expect(told?.sentence).toContain('cannot be moved away');
    await expect(secrets.set('openai', key)).rejects.toMatchObject({ code: 'conflict' });
    expect(at.text()).toBe('{');
  });

  it('does not write into the file of a newer version', async () => {
    const at = node();
    at.keyring.state = 'absent';
    const text = JSON.stringify({ version: 2, keys: { openai: { store: 'file', value: key } }, more: true });
    writeFileSync(join(at.dataDir, 'secrets.json'), text, { mode: 0o600 });
    const secrets = await at.open();
    expect(await secrets.read('openai')).toEqual(open);
    await expect(secrets.set('xai', other)).rejects.toMatchObject({ code: 'conflict' });
    expect(at.text()).toBe(text);
  });

  it('what cannot be read is not written over, and that is told without the key', async () => {
    const at = node();
    at.keyring.state = 'absent';
    mkdirSync(join(at.dataDir, 'secrets.json'), { mode: 0o700 });
    const secrets = await at.open();
    expect(secrets.notices()).toMatchObject([{ id: 'secrets-unreadable' }]);
    const error: unknown = await secrets.set('openai', key).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('EISDIR') as string });
    expect(JSON.stringify([error, String(error), at.logged])).not.toContain(key);
    expect(readdirSync(at.dataDir)).toEqual(['secrets.json']);
  });
});

describe('systemd credentials', () => {
  function withCredential(text: string): Node {
    const folder = tempFolder();
    writeFileSync(join(folder, 'ranch-hand-openai'), text);
    return node({ CREDENTIALS_DIRECTORY: folder });
  }

  it('go before everything else and are changed in the unit only', async () => {
    const at = withCredential(`${key}\n`);
    const secrets = await at.open();
    expect(await secrets.read('openai')).toEqual(open);
    expect(await secrets.rows(['openai'])).toMatchObject([{ state: 'set', store: 'credential' }]);
    const error: unknown = await secrets.set('openai', other).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('ranch-hand-openai') as string });
    await expect(secrets.clear('openai')).rejects.toMatchObject({ code: 'conflict' });
    // Providers without one are kept as always.
    await secrets.set('xai', other);
    expect(at.keyring.entries.get('xai')).toBe(other);
  });

  it('one that is no key is told, and nothing else is used for it', async () => {
    const at = withCredential('two words');
    expect(await (await at.open()).read('openai')).toMatchObject({ kind: 'locked' });
  });
});

describe('RANCH_HAND_SECRETS_STORE', () => {
  it('file: no keyring is asked', async () => {
    const at = node({ RANCH_HAND_SECRETS_STORE: 'file' });
    const secrets = await at.open();
    await secrets.set('openai', key);
    expect(at.keyring.asked).toEqual([]);
    expect(secrets.notices()).toMatchObject([{ id: 'secrets-in-file', severity: 'info' }]);
  });

  it('file: a key that is in the keyring is locked rather than missing', async () => {
    const at = node();
    await (await at.open()).set('openai', key);
    at.keyring.asked.splice(0);
    at.env['RANCH_HAND_SECRETS_STORE'] = 'file';
    expect(await (await at.open()).read('openai')).toMatchObject({ kind: 'locked' });
    expect(at.keyring.asked).toEqual([]);
  });

  it('keyring: without one nothing is kept', async () => {
    const at = node({ RANCH_HAND_SECRETS_STORE: 'keyring' });
    at.keyring.state = 'absent';
    const secrets = await at.open();
    await expect(secrets.set('openai', key)).rejects.toMatchObject({ code: 'conflict' });
    expect(at.text()).toBe('');
  });

  it('credential: nothing is set here', async () => {
    const at = node({ RANCH_HAND_SECRETS_STORE: 'credential' });
    const secrets = await at.open();
    expect(await secrets.read('openai')).toEqual({ kind: 'missing' });
    await expect(secrets.set('openai', key)).rejects.toMatchObject({ code: 'conflict' });
    expect(at.keyring.asked).toEqual([]);
  });

  it('refuses other words', async () => {
    await expect(node({ RANCH_HAND_SECRETS_STORE: 'vault' }).open()).rejects.toMatchObject({
      code: 'settings_invalid',
    });
  });
});

it('no log line, notice, row or refusal holds a key', async () => {
  const at = node();
  const secrets = await at.open();
  await secrets.set('openai', key);
  const refused: unknown[] = [];
  for (const bad of [`${key} ${other}`, `OPENAI_API_KEY=${key}`, `Bearer ${key}`]) {
    refused.push(await secrets.set('openai', bad).catch((error: unknown) => [String(error), error]));
  }
  at.keyring.state = 'absent';
  await secrets.set('xai', other);
  await secrets.rows(['openai', 'xai']);
  await secrets.set('../xai', other).catch((error: unknown) => refused.push(String(error)));
  const said = JSON.stringify([at.logged, secrets.notices(), await secrets.rows(['openai', 'xai']), refused]);
  expect(said).not.toMatch(/sk-test/);
  expect(at.logged.length).toBeGreaterThan(0);
});
