import { constants } from 'node:fs';
import { copyFile, link, open, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { nameFiles, partsOfSet, pathInside, whatIsAt } from './file-names.ts';
import { digestOfFile, PartFile } from './part-file.ts';
import { checkModel, placeModel, type CompletePart, type RecordsPort } from './placing.ts';
import type { PullWork, RoomCheck } from './pull-work.ts';

const pieceBytes = 1024 * 1024;

/**
 * Takes a model from a path on this machine into the models folder: by a link or a copy on write where the file system
 * has them, else by a copy. The digest is reckoned on the way.
 */
export class LocalFile {
  readonly #options: { readonly modelsDir: string; readonly stagingDir: string };
  readonly #deps: { readonly records: RecordsPort; readonly now: () => number; readonly room: RoomCheck };

  constructor(
    options: { readonly modelsDir: string; readonly stagingDir: string },
    deps: { readonly records: RecordsPort; readonly now: () => number; readonly room: RoomCheck },
  ) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Gives the path of the model's (first) file. `sha256`: 64 hex digits that the operator gave. */
  async run(file: string, sha256: string | null, work: PullWork): Promise<string> {
    const sources = await this.#sources(file);
    if (sha256 !== null && sources.length > 1) {
      throw new AppError(
        'invalid_request',
        'The model has several parts, and one digest cannot be that of all. Leave it out.',
      );
    }
    await checkModel(sources);
    const sizes = await Promise.all(sources.map(async (source) => (await stat(source)).size));
    work.progress.beginAgain(0);
    work.progress.setTotal(sizes.reduce((sum, size) => sum + size, 0));
    const names = await this.#names(file, sources[0] ?? '');
    const parts: CompletePart[] = [];
    let before = 0;
    for (const [index, source] of sources.entries()) {
      const sizeBytes = sizes[index] ?? 0;
      const here =
        names === null
          ? await this.#asListed(source)
          : path.join(this.#options.stagingDir, `${work.record().id}-${index}.part`);
      const digest =
        names === null
          ? await digestOfFile(source, work.signal, (bytes) => work.reach(before + bytes))
          : await this.#take(source, here, before, sizeBytes, work);
      if (sha256 !== null && digest !== sha256) await this.#mismatch(digest, sha256, names === null ? null : here);
      parts.push({ part: here, name: names?.[index] ?? path.basename(source), digest, sizeBytes });
      before += sizeBytes;
    }
    work.verifying();
    const { records, now } = this.#deps;
    if (names !== null) return placeModel(parts, file, { modelsDir: this.#options.modelsDir, records, now });
    for (const { part, digest, sizeBytes } of parts) {
      const origin = records.get(part)?.origin ?? null;
      records.put({ path: part, digest: `sha256:${digest}`, origin, sizeBytes, addedAt: now() });
    }
    return parts[0]?.part ?? file;
  }

  async #sources(file: string): Promise<string[]> {
    const named = partsOfSet(file);
    if (named[0] !== file) {
      throw new AppError('invalid_request', `It is a later part of a model. Name the first one: ${named[0] ?? ''}.`);
    }
    return Promise.all(named.map(existing));
  }

  /** A file in the models folder under the path that the list of models has of it: the folder may be behind a link. */
  async #asListed(source: string): Promise<string> {
    const { modelsDir } = this.#options;
    return path.join(path.resolve(modelsDir), path.relative(await realpath(modelsDir), source));
  }

  /** Null when the file lies in the models folder already. */
  async #names(file: string, first: string): Promise<string[] | null> {
    const { modelsDir } = this.#options;
    const inside = path.relative(await realpath(modelsDir), first);
    if (!inside.startsWith('..') && !path.isAbsolute(inside)) return null;
    // Named as the operator names it: caches keep files under their digests, with links that say what they are.
    const named = nameFiles(partsOfSet(file), { owner: '', title: path.basename(path.dirname(file)) });
    for (let number = 1; number < 100; number += 1) {
      const stem = number === 1 ? named.stem : `${named.stem}-${number}`;
      const names = named.endings.map((ending) => stem + ending);
      const target = pathInside(modelsDir, names[0] ?? '');
      const isOurs = this.#deps.records.get(target)?.origin === file;
      if (isOurs || (await whatIsAt(target)).kind === 'nothing') return names;
    }
    throw new AppError('conflict', `The models folder has too many models of the name ${named.stem}. Remove some.`);
  }

  /** Brings one file from outside the models folder to its part and gives its digest. */
  async #take(source: string, part: string, before: number, sizeBytes: number, work: PullWork): Promise<string> {
    const onRead = (bytes: number): void => work.reach(before + bytes);
    await rm(part, { force: true });
    if ((await linked(source, part)) || (await cloned(source, part))) return digestOfFile(part, work.signal, onRead);
    await this.#deps.room(work, sizeBytes);
    await using copy = await PartFile.open(part, work.signal);
    const from = await open(source, 'r');
    try {
      const piece = Buffer.allocUnsafe(pieceBytes);
      for (;;) {
        work.signal.throwIfAborted();
        const { bytesRead } = await from.read(piece, 0, pieceBytes, copy.sizeBytes);
        if (bytesRead === 0) break;
        await copy.append(piece.subarray(0, bytesRead));
        onRead(copy.sizeBytes);
      }
    } finally {
      await from.close();
    }
    return copy.digest();
  }

  async #mismatch(digest: string, wanted: string, part: string | null): Promise<never> {
    if (part !== null) await rm(part, { force: true });
    throw new AppError(
      'model_unusable',
      `The file is not what it should be: its digest is sha256:${digest}, and sha256:${wanted} was given. It was left where it is.`,
    );
  }
}

async function existing(file: string): Promise<string> {
  try {
    const real = await realpath(file);
    if ((await stat(real)).isFile()) return real;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
  throw new AppError(
    'model_not_found',
    `There is no file ${path.basename(file)} at that path that this user may read. Check the path.`,
  );
}

/** Whether a second name for the same file could be made: only on one file system, and where links are known. */
async function linked(source: string, part: string): Promise<boolean> {
  try {
    await link(source, part);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

async function cloned(source: string, part: string): Promise<boolean> {
  try {
    await copyFile(source, part, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    await rm(part, { force: true });
    return false;
  }
}
