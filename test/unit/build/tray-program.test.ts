import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { findTrayProgram, type TraySurroundings } from '../../../build/starting/tray-program.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

function checkout(files: Record<string, string>): string {
  const root = tempFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const installed = { 'node_modules/electron/path.txt': 'electron', 'node_modules/electron/dist/electron': '' };
const desktop = (root: string): TraySurroundings => ({ root, platform: 'linux', env: { DISPLAY: ':1' }, userId: 1000 });

it('finds the binary that the package names', () => {
  const root = checkout(installed);
  const path = join(root, 'node_modules/electron/dist/electron');
  expect(findTrayProgram(desktop(root))).toEqual({ kind: 'program', path, args: [root] });
});

it('says how to get Electron where its binary was not downloaded', () => {
  const root = checkout({ 'node_modules/electron/package.json': '{}' });
  const found = findTrayProgram(desktop(root));
  expect(found).toMatchObject({ kind: 'none' });
  expect(found.kind === 'none' && found.reason).toContain('npx install-electron');
});

it('does not trust a path file whose binary is gone', () => {
  const root = checkout({ 'node_modules/electron/path.txt': 'electron' });
  expect(findTrayProgram(desktop(root)).kind).toBe('none');
});

it('says so where there is no display', () => {
  const found = findTrayProgram({ ...desktop(checkout(installed)), env: {} });
  expect(found.kind === 'none' && found.reason).toContain('no display');
});

it('gives up the sandbox for root on Linux and for nobody else', () => {
  const root = checkout(installed);
  expect(findTrayProgram({ ...desktop(root), userId: 0 })).toMatchObject({ args: ['--no-sandbox', root] });
  expect(findTrayProgram({ ...desktop(root), platform: 'win32', userId: undefined })).toMatchObject({ args: [root] });
});

it('takes the folder that ELECTRON_OVERRIDE_DIST_PATH names', () => {
  const root = checkout({ 'other/electron': '' });
  const env = { DISPLAY: ':1', ELECTRON_OVERRIDE_DIST_PATH: join(root, 'other') };
  expect(findTrayProgram({ ...desktop(root), env })).toMatchObject({ path: join(root, 'other', 'electron') });
});
