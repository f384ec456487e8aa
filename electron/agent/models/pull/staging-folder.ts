import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';

const partName = /^([0-9a-f]{16})-\d{1,3}\.part$/;

/** The parts of unfinished pulls: `<id of the pull>-<number of the file>.part`. Other files in there are left alone. */
export class StagingFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async make(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** What of a pull has arrived. */
  async bytesOf(id: string): Promise<number> {
    let bytes = 0;
    for (const { file, pull } of await this.#parts()) {
      if (pull === id) bytes += await sizeOf(file);
    }
    return bytes;
  }

  async removePartsOf(id: string): Promise<void> {
    for (const { file, pull } of await this.#parts()) if (pull === id) await rm(file, { force: true });
  }

  /** Removes the parts of all other pulls. */
  async keepOnly(ids: readonly string[]): Promise<void> {
    for (const { file, pull } of await this.#parts()) if (!ids.includes(pull)) await rm(file, { force: true });
  }

  async #parts(): Promise<{ file: string; pull: string }[]> {
    let names: string[];
    try {
      names = await readdir(this.#folder);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
    return names.flatMap((name) => {
      const pull = partName.exec(name)?.[1];
      return pull === undefined ? [] : [{ file: path.join(this.#folder, name), pull }];
    });
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
