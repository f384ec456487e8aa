import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';

const ending = '.key';

/** Where the keys of running servers lie; each goes with its server. */
export function keyFolder(dataDir: string): string {
  return path.join(dataDir, 'run');
}

/** A file that no other one is called, for one server of that engine. `nonce`: a random word. */
export function keyFileIn(folder: string, engineId: string, nonce: string): string {
  return path.join(folder, `${engineId}-${nonce}${ending}`);
}

/** Deletes the keys of servers that an agent left behind when it was killed. Call when none of them runs any more. */
export async function clearKeys(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const keys = names.filter((name) => name.endsWith(ending));
  await Promise.all(keys.map((name) => rm(path.join(folder, name), { force: true })));
}
