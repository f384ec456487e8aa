import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../base/errors.ts';

/** A GGUF file on disk, or the first part of one that was split. */
export interface ModelFile {
  readonly path: string;
  /** The parts after the first of a model that was split. */
  readonly otherParts: readonly string[];
  /** All parts together. */
  readonly sizeBytes: number;
  /** Of the first part alone. */
  readonly firstPartBytes: number;
  readonly changedMs: number;
  /** When it came to this place: copying may keep an old time of change. */
  readonly arrivedMs: number;
  /** Why it need not even be opened; null otherwise. */
  readonly problem: string | null;
}

const mostFiles = 1_000;
const mostEntries = 20_000;
const deepestFolder = 4;
const splitPart = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** The GGUF files in a folder and its sub-folders, by path. Looks at a bounded number of entries. */
export async function findModelFiles(folder: string): Promise<{ files: ModelFile[]; truncated: boolean }> {
  const paths: string[] = [];
  let seen = 0;
  let truncated = false;
  async function walk(at: string, depth: number): Promise<void> {
    for (const entry of await entriesOf(at)) {
      seen += 1;
      if (seen > mostEntries || paths.length >= mostFiles) {
        truncated = true;
        return;
      }
      const entryPath = path.join(at, entry.name);
      if (entry.isDirectory() && depth < deepestFolder) await walk(entryPath, depth + 1);
      // A link may point anywhere; the operator put it there, so a link to a file is followed.
      else if (!entry.isDirectory() && entry.name.toLowerCase().endsWith('.gguf')) paths.push(entryPath);
    }
  }
  await walk(path.resolve(folder), 0);
  const files: ModelFile[] = [];
  for (const file of paths.sort()) {
    const found = isLaterPart(file) ? null : await modelFileAt(file);
    if (found) files.push(found);
  }
  return { files, truncated };
}

/** The file at a path; null when there is none. Parts of a split model are taken together. */
export async function modelFileAt(file: string): Promise<ModelFile | null> {
  const resolved = path.resolve(file);
  const first = await statOf(resolved);
  if (!first?.isFile()) return null;
  const others = otherParts(resolved);
  let changedMs = first.mtimeMs;
  let sizeBytes = first.size;
  let missing: string | null = null;
  for (const part of others) {
    const found = await statOf(part);
    if (found) {
      sizeBytes += found.size;
      changedMs = Math.max(changedMs, found.mtimeMs);
    } else missing ??= path.basename(part);
  }
  return {
    path: resolved,
    otherParts: others,
    sizeBytes,
    firstPartBytes: first.size,
    changedMs,
    arrivedMs: Math.max(first.ctimeMs, first.birthtimeMs),
    problem: missing === null ? null : `A part of the model is missing: ${missing}. Put it beside the first part.`,
  };
}

/** Every part of the model whose file, or first part, is at a path. */
export function partsOf(file: string): string[] {
  return [file, ...otherParts(file)];
}

function isLaterPart(file: string): boolean {
  const match = splitPart.exec(file);
  return match !== null && Number(match[1]) !== 1;
}

function otherParts(file: string): string[] {
  const match = splitPart.exec(file);
  if (!match || Number(match[1]) !== 1) return [];
  const [whole, , total = ''] = match;
  const stem = file.slice(0, -whole.length);
  const count = Math.min(Number(total), 999);
  return Array.from(
    { length: Math.max(0, count - 1) },
    (_, index) => `${stem}-${String(index + 2).padStart(5, '0')}-of-${total}.gguf`,
  );
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    // A folder that is gone or closed to us holds no models; the others still count.
    return [];
  }
}

async function statOf(file: string) {
  try {
    return await stat(file);
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return null;
    throw error;
  }
}
