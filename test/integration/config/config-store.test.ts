import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { ConfigStore } from '../../../electron/agent/config/config-store.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ranch-hand-config-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

function open(overrides: Record<string, string> = {}, env: Record<string, string> = {}): ConfigStore {
  return new ConfigStore({ dataDir, overrides: new Map(Object.entries(overrides)), env }, { clock: new ManualClock() });
}

const config = (): string => join(dataDir, 'config.json');

describe('ConfigStore', () => {
  it('takes the command line over the environment over the file over the default', async () => {
    await writeFile(config(), '{"version":1,"gateway":{"port":1,"drainMs":1,"maxQueued":1}}');
    const store = open({ 'gateway.port': '3' }, { RANCH_HAND_GATEWAY_PORT: '2', RANCH_HAND_GATEWAY_DRAIN_MS: '2' });
    expect(store.settings.gateway).toMatchObject({ port: 3, drainMs: 2, maxQueued: 1, maxBodyBytes: 33_554_432 });
    const origins = Object.fromEntries(store.rows().map((row) => [row.key, row.origin]));
    expect(origins).toMatchObject({
      'gateway.port': 'command line',
      'gateway.drainMs': 'environment',
      'gateway.maxQueued': 'config.json',
      'gateway.maxBodyBytes': 'default',
    });
  });

  it('writes one setting, keeps unknown ones, and says so to whoever listens', async () => {
    await writeFile(config(), '{"version":1,"herd":{"cows":3}}');
    const store = open();
    const heard: number[] = [];
    store.changed.subscribe((settings) => heard.push(settings.gateway.maxQueued));
    store.set('gateway.maxQueued', 9);
    expect(heard).toEqual([9]);
    expect(JSON.parse(await readFile(config(), 'utf8'))).toEqual({
      version: 1,
      herd: { cows: 3 },
      gateway: { maxQueued: 9 },
    });
    expect(open().settings.gateway.maxQueued).toBe(9);
    expect(store.warnings.join(' ')).toContain('herd');
  });

  it('keeps the values in force until the next start, and tells both', async () => {
    await writeFile(config(), '{"version":1,"gateway":{"drainMs":7}}');
    const store = open();
    store.set('gateway.maxQueued', 9);
    expect(store.settings.gateway.maxQueued).toBe(64);
    const row = (key: string) => store.rows().find((one) => one.key === key);
    expect(row('gateway.maxQueued')).toEqual({
      key: 'gateway.maxQueued',
      value: 64,
      valueAfterRestart: 9,
      defaultValue: 64,
      origin: 'default',
    });
    expect(row('gateway.drainMs')).toMatchObject({ value: 7, valueAfterRestart: 7, origin: 'config.json' });
  });

  it('sees what a person writes into the file meanwhile, and does not undo it', async () => {
    const store = open();
    await writeFile(config(), '{"version":1,"gateway":{"drainMs":7}}');
    expect(store.rows().find(({ key }) => key === 'gateway.drainMs')).toMatchObject({
      value: 5_000,
      valueAfterRestart: 7,
      origin: 'default',
    });
    store.set('gateway.maxQueued', 9);
    expect(open().settings.gateway).toMatchObject({ drainMs: 7, maxQueued: 9 });
    await writeFile(config(), '{"gateway":');
    expect(() => store.set('gateway.maxQueued', 8)).toThrow(/cannot be read/);
    expect(await readFile(config(), 'utf8')).toBe('{"gateway":');
    expect(store.rows().find(({ key }) => key === 'gateway.maxQueued')).toMatchObject({ valueAfterRestart: 9 });
  });

  it('takes a change as a value or as text, and a name may be all digits', () => {
    const store = open();
    store.update({ key: 'node.name', text: '42' });
    store.update({ key: 'gateway.maxQueued', value: 9 });
    expect(open().settings).toMatchObject({ node: { name: '42' }, gateway: { maxQueued: 9 } });
    expect(() => store.update({ key: 'node.name', value: 42 })).toThrow(/must be text/);
  });

  it('asks before it writes, with what would hold and what does, and writes nothing that is turned down', async () => {
    await writeFile(config(), '{"version":1,"gateway":{"maxQueued":5}}');
    const store = open();
    const heard: number[] = [];
    store.changed.subscribe(({ gateway }) => heard.push(gateway.maxQueued));
    const asked: (readonly [number, number])[] = [];
    store.update({ key: 'gateway.maxQueued', text: '9' }, (next, before) => {
      asked.push([next.gateway.maxQueued, before.gateway.maxQueued]);
    });
    const written = await readFile(config(), 'utf8');
    const no = (): never => {
      throw new Error('Not so.');
    };
    expect(() => store.update({ key: 'gateway.maxQueued', value: 10 }, no)).toThrow('Not so.');
    expect(() => store.update({ key: 'gateway.maxQueued', value: 'many' }, no)).toThrow(/must be a number/);
    expect(asked).toEqual([[9, 5]]);
    expect(heard).toEqual([9]);
    expect(await readFile(config(), 'utf8')).toBe(written);
  });

  it('a path for this run alone may be relative to the folder it is started in; in the file it is full', async () => {
    expect(open({ 'models.default': './x.gguf' }).settings.models.default).toBe(resolve('x.gguf'));
    expect(open({}, { RANCH_HAND_MODELS_DEFAULT: 'x.gguf' }).settings.models.default).toBe(resolve('x.gguf'));
    expect(() => open().update({ key: 'models.default', text: './x.gguf' })).toThrow(/full path/);
    await writeFile(config(), '{"version":1,"models":{"default":"x.gguf"}}');
    const store = open();
    expect(store.settings.models.default).toBeNull();
    expect(store.warnings.join(' ')).toMatch(/models\.default cannot be "x\.gguf": it must be a name or a full path/);
    expect(store.rows().find(({ key }) => key === 'models.default')?.origin).toBe('default');
  });

  it('B66 refuses a bad value and leaves file and settings as they were', async () => {
    const store = open();
    store.set('gateway.maxQueued', 9);
    const before = await readFile(config(), 'utf8');
    expect(() => store.set('gateway.maxQueued', 1e99)).toThrow(expect.objectContaining({ code: 'settings_invalid' }));
    expect(() => store.set('gateway.maxQueued', '9')).toThrow(expect.objectContaining({ code: 'settings_invalid' }));
    expect(() => store.set('cow.bell', 1)).toThrow(expect.objectContaining({ code: 'settings_invalid' }));
    expect(await readFile(config(), 'utf8')).toBe(before);
    expect(open().settings.gateway.maxQueued).toBe(9);
  });

  it.each([
    ['empty', ''],
    ['filled with NULs', '\0'.repeat(300)],
    ['cut off', '{"gateway":{"maxQ'],
  ])('F33 a file that is %s is set aside and the last good settings hold', async (_, broken) => {
    open().set('gateway.maxQueued', 9);
    await writeFile(config(), broken);
    const store = open();
    expect(store.settings.gateway.maxQueued).toBe(9);
    expect(store.warnings).toHaveLength(1);
    const aside = (await readdir(dataDir)).filter((name) => name.startsWith('config.json.corrupt-'));
    expect(aside).toHaveLength(1);
    expect(await readFile(join(dataDir, aside[0] ?? ''), 'utf8')).toBe(broken);
    expect(open().settings.gateway.maxQueued).toBe(9);
  });

  it('F33 a file of a newer version is used as far as it is understood and never written', async () => {
    const newer = '{"version":7,"gateway":{"maxQueued":9},"orbit":true}';
    await writeFile(config(), newer);
    const store = open();
    expect(store.settings.gateway.maxQueued).toBe(9);
    expect(store.warnings).toEqual([expect.stringContaining('newer version')]);
    expect(() => store.set('gateway.maxQueued', 1)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(await readFile(config(), 'utf8')).toBe(newer);
  });

  it('says that a value from the command line cannot be changed in the file', () => {
    const store = open({ 'gateway.maxQueued': '5' });
    expect(() => store.set('gateway.maxQueued', 6)).toThrow(/command line/);
  });
});
