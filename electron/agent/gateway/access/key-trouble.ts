import { AppError, systemErrorCode } from '../../base/errors.ts';
import { LaterKeyFile } from './key-file.ts';

/** Why nobody gets in by a key, for a person, and since when. */
export interface KeyProblem {
  readonly sentence: string;
  readonly since: string;
}

/** A file of keys that cannot be read. */
export type UnreadKeys =
  | { readonly kind: 'damaged'; readonly problem: KeyProblem }
  /** Nothing is wrong with the file, but this program cannot use it: putting it aside would lose good keys. */
  | { readonly kind: 'unusable'; readonly problem: KeyProblem };

/** What an error at reading the file means. Pure. */
export function unreadKeys(error: unknown, file: string, since: string): UnreadKeys {
  if (error instanceof LaterKeyFile) {
    const sentence = `A later version of Ranch Hand made ${file}, so no program gets in. Use that version, or move the file away.`;
    return { kind: 'unusable', problem: { sentence, since } };
  }
  if (systemErrorCode(error) === 'EACCES' || systemErrorCode(error) === 'EPERM') {
    const sentence = `This user may not read ${file}, so no program gets in. Give the file back to this user and restart the agent.`;
    return { kind: 'unusable', problem: { sentence, since } };
  }
  const sentence = `${file} is damaged, so no program gets in. Make new keys with "ranch-hand keys add NAME" (the damaged file is kept), or put a backup in its place and restart the agent.`;
  return { kind: 'damaged', problem: { sentence, since } };
}

/** What an error at writing the file means; `what` is the sentence's beginning, up to the file. Pure. */
export function unwrittenKeys(error: unknown, what: string, file: string): AppError {
  const full = isFull(error);
  const advice = full ? 'Free some space on its disk.' : 'Look at the folder and the log.';
  return new AppError(full ? 'disk_full' : 'data_folder_unusable', `${what} to ${file}. ${advice}`, { cause: error });
}

/** SQLite's own number for a full disk, or the system's. */
function isFull(error: unknown): boolean {
  if (systemErrorCode(error) === 'ENOSPC') return true;
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 13;
}
