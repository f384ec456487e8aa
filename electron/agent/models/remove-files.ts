import { realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../base/errors.ts';
import { partsOf } from './model-files.ts';

/**
 * Deletes a model's file, of a split one all parts. A link is deleted and what it leads to is left alone.
 *
 * @param folders The only folders in which anything may be deleted.
 * @throws AppError `forbidden` for a file that is not in one of them, wherever links in its path lead
 */
export async function removeModelFiles(file: string, folders: readonly string[]): Promise<void> {
  await mustBeInside(file, folders);
  for (const part of partsOf(file)) await rm(part, { force: true });
}

/**
 * Takes a model's file out of the catalogue by giving it a name that is no model's; it can be looked at or deleted
 * later. Returns the new path of its first part.
 *
 * @throws AppError `forbidden`, as {@link removeModelFiles}; the system's error where it cannot be renamed
 */
export async function quarantineModelFiles(file: string, folders: readonly string[], nowMs: number): Promise<string> {
  await mustBeInside(file, folders);
  const ending = `.quarantined-${nowMs}`;
  for (const part of partsOf(file)) await rename(part, `${part}${ending}`);
  return `${file}${ending}`;
}

async function mustBeInside(file: string, folders: readonly string[]): Promise<void> {
  const holder = await realpath(path.dirname(file));
  for (const folder of folders) {
    const inside = path.relative(await realpath(folder).catch(() => folder), holder);
    if (inside === '' || (!inside.startsWith('..') && !path.isAbsolute(inside))) return;
  }
  throw new AppError('forbidden', `${file} is outside the models folders, so it is left alone. Delete it yourself.`);
}
