import { open, rename } from 'node:fs/promises';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { readGgufHeader } from '../gguf-reader.ts';
import type { ModelRecord } from '../records.ts';
import { pathInside, whatIsAt } from './file-names.ts';

/** Where digest and origin of model files are kept. */
export interface RecordsPort {
  get(file: string): ModelRecord | null;
  put(record: ModelRecord): void;
}

/** A file that is complete in the staging folder. */
export interface CompletePart {
  readonly part: string;
  /** Its name in the models folder. */
  readonly name: string;
  /** 64 hex digits. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * Makes the files of a model visible in one step: header read, on the disk, then renamed; the first part of a set
 * last, because it is the one that is listed. Gives the path of the first.
 *
 * @throws AppError `model_unusable` when it is no model that can be read; `forbidden` when it would land elsewhere
 */
export async function placeModel(
  parts: readonly CompletePart[],
  origin: string | null,
  deps: { readonly modelsDir: string; readonly records: RecordsPort; readonly now: () => number },
): Promise<string> {
  const [first] = parts;
  if (!first) throw new AppError('internal', 'A pull without a file has ended.');
  await checkModel(parts.map(({ part }) => part));
  let firstPath = '';
  for (const { part, name, digest, sizeBytes } of [...parts].reverse()) {
    firstPath = pathInside(deps.modelsDir, name);
    if ((await whatIsAt(firstPath)).kind === 'other') {
      throw new AppError(
        'forbidden',
        `In the models folder, ${name} is a link or a folder. Move it away, then resume.`,
      );
    }
    await syncFile(part);
    await moveOver(part, firstPath, name);
    const path = firstPath;
    deps.records.put({ path, digest: `sha256:${digest}`, origin, sizeBytes, addedAt: deps.now() });
  }
  await syncFolder(deps.modelsDir);
  return firstPath;
}

/** Whether the files are a model: the header of the first, the mark of the others. @throws AppError `model_unusable` */
export async function checkModel(files: readonly string[]): Promise<void> {
  const [first = '', ...others] = files;
  await readGgufHeader(first);
  for (const file of others) {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      if (bytesRead < 4 || buffer.toString('latin1') !== 'GGUF') {
        throw new AppError('model_unusable', 'A part of the model is not a GGUF file. Choose another source.');
      }
    } finally {
      await handle.close();
    }
  }
}

async function moveOver(part: string, target: string, name: string): Promise<void> {
  try {
    await rename(part, target);
  } catch (error) {
    if (!['EBUSY', 'EPERM', 'EACCES'].includes(systemErrorCode(error) ?? '')) throw error;
    throw new AppError(
      'conflict',
      `${name} is in use and cannot be replaced. Unload the model, then resume the pull.`,
      {
        cause: error,
      },
    );
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing for folders.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
