import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemErrorCode } from '../agent/base/errors.ts';

/** What a check of this machine needs to know about one path. */
export type FolderFacts =
  | { readonly state: 'absent' }
  | { readonly state: 'not-a-folder' }
  | {
      readonly state: 'folder';
      /** Permission bits such as 0o700; null where the system has none (Windows). */
      readonly mode: number | null;
      readonly ownedByUs: boolean;
      readonly writable: boolean;
    };

/** Kind, permissions and owner of a folder. Rejects only for what is stranger than a missing path. */
export async function folderFacts(path: string): Promise<FolderFacts> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return { state: 'not-a-folder' };
    const posix = process.platform !== 'win32';
    const owner = process.getuid?.();
    return {
      state: 'folder',
      mode: posix ? found.mode & 0o777 : null,
      ownedByUs: owner === undefined || found.uid === owner,
      writable: await allows(path, constants.W_OK),
    };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return { state: 'absent' };
    if (code === 'ENOTDIR') return { state: 'not-a-folder' };
    throw error;
  }
}

export interface DiskFacts {
  /** What an ordinary user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Room on the disk of `path`, or of its nearest folder that exists; null where the system does not tell. */
export async function diskFacts(path: string): Promise<DiskFacts | null> {
  let folder = resolve(path);
  for (;;) {
    try {
      const { bavail, blocks, bsize } = await statfs(folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      const above = dirname(folder);
      if (systemErrorCode(error) !== 'ENOENT' || above === folder) return null;
      folder = above;
    }
  }
}

/** Whether Electron is there: `unpacked` with its binary, `package-only` before its download, or not at all. */
export type ElectronFacts =
  | { readonly state: 'absent' }
  | { readonly state: 'package-only'; readonly folder: string }
  | { readonly state: 'unpacked'; readonly binary: string };

/** Looks for the `electron` package from `startDir` upwards, as Node does, without running anything of it. */
export async function electronFacts(
  startDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ElectronFacts> {
  let folder = resolve(startDir);
  for (;;) {
    const found = join(folder, 'node_modules', 'electron');
    if (await allows(join(found, 'package.json'), constants.R_OK)) return electronIn(found, env);
    const above = dirname(folder);
    if (above === folder) return { state: 'absent' };
    folder = above;
  }
}

async function electronIn(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<ElectronFacts> {
  // The package's own note of where its binary lies; written by its download.
  const name = await readFile(join(folder, 'path.txt'), 'utf8').catch(() => '');
  const override = env['ELECTRON_OVERRIDE_DIST_PATH'];
  const usual = process.platform === 'win32' ? 'electron.exe' : 'electron';
  const binary = override === undefined ? join(folder, 'dist', name) : join(override, name === '' ? usual : name);
  const there = (override !== undefined || name !== '') && (await allows(binary, constants.X_OK));
  return there ? { state: 'unpacked', binary } : { state: 'package-only', folder };
}

function allows(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
