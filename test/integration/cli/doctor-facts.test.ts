import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskFacts, electronFacts, folderFacts } from '../../../electron/host/doctor-facts.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const onPosix = process.platform !== 'win32';

describe('folderFacts', () => {
  it('tells a folder from what is none', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(await folderFacts(join(folder, 'absent'))).toEqual({ state: 'absent' });
    expect(await folderFacts(join(folder, 'file'))).toEqual({ state: 'not-a-folder' });
    expect(await folderFacts(join(folder, 'file', 'below'))).toMatchObject({
      state: expect.not.stringMatching('^folder$') as string,
    });
    expect(await folderFacts(folder)).toMatchObject({ state: 'folder', ownedByUs: true, writable: true });
  });

  it.runIf(onPosix)('tells the mode', async () => {
    const folder = join(tempFolder(), 'node');
    mkdirSync(folder);
    chmodSync(folder, 0o750);
    expect(await folderFacts(folder)).toMatchObject({ mode: 0o750 });
  });
});

describe('diskFacts', () => {
  it('asks the nearest folder that exists', async () => {
    const folder = tempFolder();
    const here = await diskFacts(folder);
    expect(here?.freeBytes).toBeGreaterThan(0);
    expect(here?.totalBytes).toBeGreaterThanOrEqual(here?.freeBytes ?? Infinity);
    expect((await diskFacts(join(folder, 'not', 'made', 'yet')))?.totalBytes).toBe(here?.totalBytes);
  });
});

describe('electronFacts', () => {
  const program = onPosix ? 'electron' : 'electron.exe';

  it('tells a package without its binary from one with it', async () => {
    const root = tempFolder();
    const start = join(root, 'app', 'dist');
    mkdirSync(start, { recursive: true });
    const folder = join(root, 'node_modules', 'electron');
    mkdirSync(join(folder, 'dist'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    expect(await electronFacts(start, {})).toEqual({ state: 'package-only', folder });
    writeFileSync(join(folder, 'path.txt'), program);
    expect(await electronFacts(start, {})).toEqual({ state: 'package-only', folder });
    writeFileSync(join(folder, 'dist', program), '', { mode: 0o755 });
    expect(await electronFacts(start, {})).toEqual({ state: 'unpacked', binary: join(folder, 'dist', program) });
  });

  it('looks where ELECTRON_OVERRIDE_DIST_PATH points', async () => {
    const root = tempFolder();
    const folder = join(root, 'node_modules', 'electron');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(root, program), '', { mode: 0o755 });
    expect(await electronFacts(root, { ELECTRON_OVERRIDE_DIST_PATH: root })).toEqual({
      state: 'unpacked',
      binary: join(root, program),
    });
  });

  it('finds none where there is none', async () => {
    expect(await electronFacts(tempFolder(), {})).toEqual({ state: 'absent' });
  });
});
