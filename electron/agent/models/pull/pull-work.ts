import { AppError, systemErrorCode } from '../../base/errors.ts';
import { gigabytes } from '../sizes.ts';
import type { Progress } from './progress.ts';
import type { PullRecord } from './pull-record.ts';

/** What a pull's work may read and tell while it runs. */
export interface PullWork {
  /** As it is now. */
  readonly record: () => PullRecord;
  /** Changes it, and keeps that. */
  readonly update: (change: Partial<Pick<PullRecord, 'files' | 'name'>>) => void;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** So much has arrived in all. */
  readonly reach: (bytes: number) => void;
  /** What is going on, in a sentence; null: just running. */
  readonly note: (sentence: string | null) => void;
  /** From now on what has arrived is checked. */
  readonly verifying: () => void;
}

/** What came of a pull: a file in the models folder, or a model that Ollama keeps. */
export type Arrival =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'library'; readonly name: string };

/** Whether there is room for so many more bytes of this pull. @throws AppError `disk_full` */
export type RoomCheck = (work: PullWork, moreBytes: number) => Promise<void>;

/** There is less room than a pull needs, with the numbers. */
export function diskFull({ neededBytes, reserveBytes, freeBytes, folder }: Room): AppError {
  return new AppError(
    'disk_full',
    `The disk of ${folder} has too little room: ${gigabytes(neededBytes)} are still to come and ${gigabytes(reserveBytes)} stay in reserve, but ${gigabytes(freeBytes)} are free. Make room, then resume the pull.`,
    { context: { neededBytes, reserveBytes, freeBytes } },
  );
}

/** What decides whether there is room. */
export interface Room {
  /** Bytes of this pull that are still to come, and of others that run. */
  readonly neededBytes: number;
  readonly reserveBytes: number;
  readonly freeBytes: number;
  readonly folder: string;
}

/** @throws AppError `disk_full` with the numbers when there is too little */
export function requireRoom(room: Room): void {
  if (room.neededBytes + room.reserveBytes > room.freeBytes) throw diskFull(room);
}

/** Whether an error says that the disk, or the user's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}
