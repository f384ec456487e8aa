import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readStamp, takeStamp, whyStale, writeStamp, type Stamp } from '../../../build/bundling/freshness.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';

let root = '';
let stamp: Stamp;

beforeEach(() => {
  root = makeTempFolder();
  const folder = root;
  onTestFinished(() => removeFolder(folder));
  mkdirSync(join(root, 'src/deep'), { recursive: true });
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'src/a.ts'), 'a');
  writeFileSync(join(root, 'src/deep/b.ts'), 'b');
  writeFileSync(join(root, 'dist/out.js'), 'out');
  stamp = takeStamp(root, ['src/a.ts', 'src/deep/b.ts'], ['dist/out.js']);
});

describe('whyStale', () => {
  it('finds nothing to do when nothing changed', () => {
    expect(whyStale(root, ['src'], stamp)).toBeUndefined();
  });

  it('names what was never built', () => {
    expect(whyStale(root, ['src'], undefined)).toContain('not built');
  });

  it('names a changed file', () => {
    writeFileSync(join(root, 'src/deep/b.ts'), 'bb');
    expect(whyStale(root, ['src'], stamp)).toBe('src/deep/b.ts changed');
  });

  it('sees a change that keeps the size', () => {
    writeFileSync(join(root, 'src/a.ts'), 'z');
    utimesSync(join(root, 'src/a.ts'), 1, 1);
    expect(whyStale(root, ['src'], stamp)).toBe('src/a.ts changed');
  });

  it('does not build again for a new time alone', () => {
    utimesSync(join(root, 'src/a.ts'), 1, 1);
    expect(whyStale(root, ['src'], stamp)).toBeUndefined();
  });

  it('names a removed file, a new file in a watched folder, and a missing output', () => {
    writeFileSync(join(root, 'src/new.ts'), '');
    expect(whyStale(root, ['src'], stamp)).toBe('src/new.ts is new');
    rmSync(join(root, 'src/new.ts'));
    rmSync(join(root, 'src/a.ts'));
    expect(whyStale(root, ['src'], stamp)).toBe('src/a.ts is gone');
    rmSync(join(root, 'dist/out.js'));
    expect(whyStale(root, ['src'], stamp)).toBe('dist/out.js is missing');
  });
});

describe('stamps', () => {
  it('come back as written', () => {
    writeStamp(join(root, 'cache/x.json'), stamp);
    expect(readStamp(join(root, 'cache/x.json'))).toEqual(stamp);
  });

  it('that are broken count as none', () => {
    writeFileSync(join(root, 'x.json'), '{"inputs":');
    expect(readStamp(join(root, 'x.json'))).toBeUndefined();
    expect(readStamp(join(root, 'absent.json'))).toBeUndefined();
  });
});
