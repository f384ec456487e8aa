import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { receiptFile, type TestEngine } from './layout.ts';

/** sha256 of a file in hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

/** Joins the parts into one file under a temporary name and gives it its name only if its checksum is right. */
export async function joinParts(parts: readonly string[], target: string, sha256: string): Promise<void> {
  const aside = `${target}.part`;
  await rm(aside, { force: true });
  for (const part of parts) await pipeline(createReadStream(part), createWriteStream(aside, { flags: 'a' }));
  const found = await sha256Of(aside);
  if (found !== sha256) {
    await rm(aside, { force: true });
    throw new Error(`the joined file has checksum ${found}, not ${sha256}`);
  }
  await rename(aside, target);
}

interface Receipt {
  readonly version: string;
  /** sha256 by path relative to the folder. */
  readonly files: Readonly<Record<string, string>>;
}

function readReceipt(folder: string, engine: TestEngine): Receipt | undefined {
  const file = join(folder, receiptFile(engine));
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Receipt;
  } catch {
    // A receipt that cannot be read proves nothing: the engine is fetched again.
    return undefined;
  }
}

/** True if every file of the receipt is there with the checksum it had, and the version is the wanted one. */
export async function isIntact(folder: string, engine: TestEngine, version: string): Promise<boolean> {
  const receipt = readReceipt(folder, engine);
  if (receipt?.version !== version) return false;
  for (const [path, sha256] of Object.entries(receipt.files)) {
    const file = join(folder, path);
    if (!existsSync(file) || (await sha256Of(file)) !== sha256) return false;
  }
  return true;
}

/** Writes what is there now, so that a later run can tell whether it still is. */
export async function writeReceipt(
  folder: string,
  engine: TestEngine,
  version: string,
  paths: readonly string[],
): Promise<void> {
  const files: Record<string, string> = {};
  for (const path of paths) files[path] = await sha256Of(join(folder, path));
  const target = join(folder, receiptFile(engine));
  await writeFile(`${target}.part`, JSON.stringify({ version, files }, undefined, 2));
  await rename(`${target}.part`, target);
}
