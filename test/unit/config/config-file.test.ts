import { describe, expect, it } from 'vitest';
import { readConfigText } from '../../../electron/agent/config/config-file.ts';
import { defaultSettings } from '../../../electron/agent/config/settings.ts';

describe('readConfigText', () => {
  it('takes what is set and the default for the rest', () => {
    const reading = readConfigText('{"version":1,"gateway":{"port":9000}}');
    expect(reading).toMatchObject({ kind: 'ok', invalid: [], unknown: [] });
    expect(reading.kind === 'ok' && reading.settings.gateway).toEqual({ ...defaultSettings.gateway, port: 9000 });
  });

  it.each([
    ['an empty file', ''],
    ['a file filled with NULs', '\0\0\0\0'],
    ['half a file', '{"gateway":{"port":'],
    ['a list', '[]'],
    ['a bare word', 'null'],
  ])('F33 %s is corrupt, not empty settings', (_, text) => {
    expect(readConfigText(text).kind).toBe('corrupt');
  });

  it('F33 a newer form is told apart', () => {
    expect(readConfigText('{"version":2,"gateway":{"port":9000}}')).toMatchObject({ kind: 'newer', version: 2 });
  });

  it('B66 wrong types, unknown keys and 1e99 are named, and the good values still hold', () => {
    const reading = readConfigText(
      '{"gateway":{"port":1e99,"drainMs":"soon","maxQueued":7},"log":"loud","herd":{"cows":3},"models":{"defualt":"x"}}',
    );
    if (reading.kind !== 'ok') throw new Error(reading.kind);
    expect(reading.settings.gateway).toEqual({ ...defaultSettings.gateway, maxQueued: 7 });
    expect(reading.settings.log).toEqual(defaultSettings.log);
    expect(reading.invalid.map((sentence) => sentence.split(' ')[0]).sort()).toEqual([
      'gateway.drainMs',
      'gateway.port',
      'log',
    ]);
    expect(reading.unknown).toEqual(['herd', 'models.defualt']);
  });

  it('B66 keys of the object prototype change nothing', () => {
    const reading = readConfigText('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(reading.kind).toBe('ok');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
