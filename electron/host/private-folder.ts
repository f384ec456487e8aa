import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../agent/base/errors.ts';

/**
 * Makes `folder` (absolute), for this user only, and the folders above it that are missing, with the usual mode. One
 * that was there already keeps what is in it and becomes private too.
 *
 * Goes step by step by itself: Node's own recursive mkdir never ends where a file system refuses new folders with
 * ENOENT, as /proc does.
 *
 * @throws the system's error; ENOTDIR where a file stands in the way
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  await makeFolder(folder, 0o700);
  await chmod(folder, 0o700);
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' && !(await exists(dirname(folder)))) {
      await makeFolder(dirname(folder), 0o777);
      await mkdir(folder, { mode });
    } else if (code !== 'EEXIST') {
      throw error;
    } else if (!(await stat(folder)).isDirectory()) {
      throw Object.assign(new Error(`${folder} is no folder`), { code: 'ENOTDIR', path: folder });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return path === dirname(path);
    throw error;
  }
}
