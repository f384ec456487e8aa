import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError, codeOf } from '../failure.ts';
import type { ConfigFile } from './connection.ts';
import { mergeJson, type Merged } from './merge-json.ts';
import { mergeYamlKeys, mergeYamlList } from './merge-yaml.ts';

/** What became of a program's file. */
export interface Written {
  readonly path: string;
  /** The file as it was before; null where there was none or nothing changed. */
  readonly backup: string | null;
  /** Places in the file whose value is another one now. Empty: it said all this already. */
  readonly changes: readonly string[];
}

/**
 * Merges `file` into what stands at its path: the old file is kept beside it, the new one takes its place in one step.
 * Throws `not_merged`, with nothing changed, where the present file can't be read for sure. A file that a key is
 * written to for the first time is the user's alone.
 */
export async function writeConfig(file: ConfigFile, nowMs: number): Promise<Written> {
  // A link into somebody's dotfiles stays one.
  const path = await realpath(file.path).catch(() => file.path);
  const present = await contentOf(path);
  const merged = merge(file, present?.text ?? '');
  if (merged === null) {
    throw new CliError(
      'not_merged',
      `${file.path} is not in a form that can be merged without risk (comments, for example), so it was left alone. Leave --write out and put the lines in by hand.`,
    );
  }
  if (merged.changes.length === 0) return { path, backup: null, changes: [] };
  await mkdir(dirname(path), { recursive: true });
  const mode = present?.mode ?? 0o600;
  const backup = present === null ? null : `${path}.before-ranch-hand-${stamp(nowMs)}`;
  if (backup !== null && present !== null) await writeNew(backup, present.text, mode);
  const next = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeNew(next, merged.text, mode);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  return { path, backup, changes: merged.changes };
}

function merge(file: ConfigFile, text: string): Merged | null {
  switch (file.format) {
    case 'json':
      return mergeJson(text, file.settings);
    case 'yaml-keys':
      return mergeYamlKeys(text, file.keys);
    case 'yaml-list':
      return mergeYamlList(text, file.entries, 'ranch-hand');
  }
}

async function contentOf(path: string): Promise<{ readonly text: string; readonly mode: number } | null> {
  try {
    return { text: await readFile(path, 'utf8'), mode: (await stat(path)).mode & 0o777 };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Such as 20260131-120000-250, so that no backup is ever written over. */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]/g, '').replace('T', '-').replace('.', '-').replace('Z', '');
}
