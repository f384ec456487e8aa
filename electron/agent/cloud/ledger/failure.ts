import { systemErrorCode } from '../../base/errors.ts';
import type { FailureKind } from './messages.ts';
import { DamagedDatabase, NewerSchema } from './schema.ts';

/** Primary result codes of SQLite, https://sqlite.org/rescode.html */
const sqlite = {
  permission: 3,
  readOnly: 8,
  input: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** What keeps the ledger from being written. `corrupt` is the file's own fault: it is set aside. */
export type Failure = FailureKind | 'corrupt';

/** `freeBytes`: of the disk with the ledger; null where it cannot be told. */
export function failureOf(error: unknown, freeBytes: number | null): Failure {
  if (error instanceof DamagedDatabase) return 'corrupt';
  if (error instanceof NewerSchema) return 'newer';
  switch (systemErrorCode(error) ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'full';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return 'unwritable';
    default:
      return sqliteFailure(error, freeBytes);
  }
}

function sqliteFailure(error: unknown, freeBytes: number | null): Failure {
  switch (sqliteCode(error) ?? 0) {
    case sqlite.full:
      return 'full';
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return 'corrupt';
    case sqlite.input:
    case sqlite.cannotOpen:
      // SQLite says only that a file could not be made longer; a full disk is the usual cause.
      return freeBytes !== null && freeBytes < 1_048_576 ? 'full' : 'unwritable';
    case sqlite.permission:
    case sqlite.readOnly:
      return 'unwritable';
    default:
      return 'failed';
  }
}

/** The primary result code; null for what is no error of SQLite. */
function sqliteCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** For the sentence and the log: the system's code, or SQLite's words. */
export function causeOf(error: unknown): string {
  const code = systemErrorCode(error);
  if (sqliteCode(error) === null && code !== undefined) return code;
  return error instanceof Error ? error.message : String(error);
}

/** Why nothing may be spent, and what to do. */
export function closedSentence(failure: FailureKind, cause: string, folder: string): string {
  switch (failure) {
    case 'full':
      return (
        `The disk with the ledger in ${folder} is full, so nothing is spent on the cloud. ` +
        'Free some space there; it goes on by itself.'
      );
    case 'unwritable':
      return (
        `The ledger in ${folder} cannot be written (${cause}), so nothing is spent on the cloud. ` +
        'Let this user write there; it goes on by itself.'
      );
    case 'newer':
      return (
        `The ledger in ${folder} is of a newer version of this program, so nothing is spent on the cloud. ` +
        'Update this program.'
      );
    case 'failed':
      return (
        `The ledger in ${folder} failed (${cause}), so nothing is spent on the cloud. ` +
        'It is tried again by itself; the log has the details.'
      );
  }
}
