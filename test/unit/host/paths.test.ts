import { describe, expect, it } from 'vitest';
import { dataDir } from '../../../electron/host/paths.ts';

describe('dataDir', () => {
  it('prefers RANCH_HAND_DATA_DIR and makes it absolute', () => {
    const host = { env: { RANCH_HAND_DATA_DIR: '/data/../srv/ranch' }, platform: 'linux', home: '/home/a' } as const;
    expect(dataDir(host)).toBe('/srv/ranch');
  });

  it('follows XDG on Linux, and ignores a relative XDG path as the specification asks', () => {
    expect(dataDir({ env: {}, platform: 'linux', home: '/home/a' })).toBe('/home/a/.local/share/ranch-hand');
    expect(dataDir({ env: { XDG_DATA_HOME: '/x' }, platform: 'linux', home: '/home/a' })).toBe('/x/ranch-hand');
    expect(dataDir({ env: { XDG_DATA_HOME: 'x' }, platform: 'linux', home: '/home/a' })).toBe(
      '/home/a/.local/share/ranch-hand',
    );
  });

  it('uses the known folders of Windows and macOS', () => {
    expect(dataDir({ env: { LOCALAPPDATA: 'C:\\L' }, platform: 'win32', home: 'C:\\Users\\a' })).toBe(
      'C:\\L\\ranch-hand',
    );
    expect(dataDir({ env: {}, platform: 'win32', home: 'C:\\Users\\a' })).toBe(
      'C:\\Users\\a\\AppData\\Local\\ranch-hand',
    );
    expect(dataDir({ env: {}, platform: 'darwin', home: '/Users/a' })).toBe(
      '/Users/a/Library/Application Support/ranch-hand',
    );
  });
});
