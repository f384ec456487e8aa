import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { AppError } from '../../base/errors.ts';
import type { Command } from './running.ts';

/**
 * Unpacks an archive whose digest has been checked into an empty folder, by the system's own tar (bsdtar on Windows,
 * which knows zip too).
 *
 * @throws AppError `engine_failed`, `caller_gone`
 */
export async function unpack(
  archive: string,
  folder: string,
  deps: { readonly signal: AbortSignal; readonly run: (command: Command) => Promise<void> },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let file = archive;
  if (archive.endsWith('.zst')) {
    // Not every tar knows zstd.
    file = archive.slice(0, -'.zst'.length);
    await pipeline(createReadStream(archive), createZstdDecompress(), createWriteStream(file), {
      signal: deps.signal,
    }).catch((error: unknown) => {
      if (deps.signal.aborted) throw new AppError('caller_gone', 'The installation was cancelled.');
      throw new AppError('engine_failed', 'The archive could not be unpacked. Try again later.', { cause: error });
    });
  }
  await deps.run({ program: 'tar', args: ['-xf', file, '-C', folder] });
}

const deepest = 4;

/**
 * The folder to keep of what was unpacked: the one that holds the program, or that holds the `bin` or `build/bin` which
 * does. Null when the program is not there.
 */
export async function rootOf(folder: string, program: string): Promise<string | null> {
  let level = [folder];
  for (let depth = 0; depth < deepest && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const each of level) {
      const entries = await readdir(each, { withFileTypes: true });
      if (entries.some((entry) => entry.isFile() && entry.name === program)) return above(each, folder);
      next.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(each, name)));
    }
    level = next;
  }
  return null;
}

function above(holder: string, folder: string): string {
  if (holder === folder || path.basename(holder) !== 'bin') return holder;
  const parent = path.dirname(holder);
  return parent !== folder && path.basename(parent) === 'build' ? path.dirname(parent) : parent;
}

/** The program in a folder that {@link rootOf} gave. */
export async function programIn(root: string, program: string): Promise<string> {
  for (const folder of ['', 'bin', path.join('build', 'bin')]) {
    const file = path.join(root, folder, program);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() === true) return file;
  }
  throw new AppError('engine_failed', `There is no ${program} in what was unpacked.`);
}
