import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { installFolder, programPlaces, type ProgramPlace, type ProgramQuery } from './program-places.ts';

/**
 * The programs that are there, the preferred one first; two names of one file count once. The one in the settings is
 * always among them, so that its owner hears what is wrong with it.
 */
export async function findPrograms(query: ProgramQuery): Promise<ProgramPlace[]> {
  const installs = await foldersNewestFirst(installFolder(query.dataDir, query.kind));
  const found: ProgramPlace[] = [];
  const seen = new Set<string>();
  for (const place of programPlaces(query, installs)) {
    const file = await realFile(place.file);
    if (file === null) {
      if (place.origin === 'settings') found.push(place);
      continue;
    }
    if (seen.has(file)) continue;
    seen.add(file);
    found.push(place);
  }
  return found;
}

/** The path without links; null when there is no file that can be run. */
async function realFile(file: string): Promise<string | null> {
  try {
    await access(file, constants.X_OK);
    const real = await realpath(file);
    return (await stat(real)).isFile() ? real : null;
  } catch {
    return null;
  }
}

async function foldersNewestFirst(parent: string): Promise<string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true });
    const folders = await Promise.all(
      entries
        .filter((entry) => entry.isDirectory())
        .map(async ({ name }) => ({ name, changedMs: (await stat(path.join(parent, name))).mtimeMs })),
    );
    return folders.sort((a, b) => b.changedMs - a.changedMs).map(({ name }) => name);
  } catch {
    // Nothing was installed.
    return [];
  }
}
