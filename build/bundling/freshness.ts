import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A source file as it was when it was built. */
interface SeenFile {
  readonly mtimeMs: number;
  readonly size: number;
  readonly sha256: string;
}

/** What is remembered of a product between builds. */
export interface Stamp {
  readonly inputs: Readonly<Record<string, SeenFile>>;
  readonly outputs: readonly string[];
}

/** All files under these files and folders, relative to root, sorted. A missing one counts as no file. */
export function filesUnder(root: string, paths: readonly string[]): string[] {
  const found: string[] = [];
  for (const path of paths) {
    const stats = statSync(join(root, path), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isDirectory()) found.push(path);
    else
      found.push(
        ...filesUnder(
          root,
          readdirSync(join(root, path)).map((name) => `${path}/${name}`),
        ),
      );
  }
  return found.sort();
}

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function see(file: string): SeenFile {
  const { mtimeMs, size } = statSync(file);
  return { mtimeMs, size, sha256: hashOf(file) };
}

/** Takes note of inputs and outputs as they are now. */
export function takeStamp(root: string, inputs: readonly string[], outputs: readonly string[]): Stamp {
  return { inputs: Object.fromEntries(inputs.map((path) => [path, see(join(root, path))])), outputs };
}

/**
 * Why a product has to be made again, or undefined if it is as its sources say. Contents are read only where time or
 * size differ, so that a product that is up to date costs one `stat` a file.
 */
export function whyStale(root: string, watch: readonly string[], stamp: Stamp | undefined): string | undefined {
  if (stamp === undefined) return 'it was not built yet';
  const missing = stamp.outputs.find((path) => !existsSync(join(root, path)));
  if (missing !== undefined) return `${missing} is missing`;
  const added = filesUnder(root, watch).find((path) => !(path in stamp.inputs));
  if (added !== undefined) return `${added} is new`;
  for (const [path, seen] of Object.entries(stamp.inputs)) {
    const file = join(root, path);
    const now = statSync(file, { throwIfNoEntry: false });
    if (now === undefined) return `${path} is gone`;
    const touched = now.mtimeMs !== seen.mtimeMs || now.size !== seen.size;
    if (touched && hashOf(file) !== seen.sha256) return `${path} changed`;
  }
  return undefined;
}

/** The stamp in this file, or undefined if there is none that can be read: then the product is made again. */
export function readStamp(file: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}

/** Writes a stamp in one step. */
export function writeStamp(file: string, stamp: Stamp): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, JSON.stringify(stamp));
  renameSync(`${file}.part`, file);
}
