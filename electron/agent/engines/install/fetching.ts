import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { AppError, toAppError } from '../../base/errors.ts';
import { gigabytes } from '../../models/sizes.ts';

/** Fetches from the internet; the agent's client, which knows its proxies and follows redirects, has this shape. */
export interface HttpGet {
  /** Rejects when the server cannot be reached. */
  get(
    address: string,
    request: { readonly headers?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ): Promise<HttpGetAnswer>;
}

export interface HttpGetAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Buffer> & { destroy(): unknown };
}

/** A small answer. @throws AppError `upstream_failed`, `caller_gone` */
export async function fetchText(
  address: string,
  options: {
    readonly http: HttpGet;
    readonly signal: AbortSignal;
    readonly headers: Readonly<Record<string, string>>;
    readonly mostBytes: number;
  },
): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    const { status, body } = await options.http.get(address, options);
    if (status !== 200) {
      body.destroy();
      throw refused(address, status);
    }
    for await (const piece of body) {
      length += piece.length;
      if (length > options.mostBytes) throw new AppError('upstream_failed', `${hostOf(address)} sent too much.`);
      pieces.push(piece);
    }
  } catch (error) {
    throw asFailure(error, address, options.signal);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export interface FileToFetch {
  readonly url: string;
  readonly sha256: string;
  /** Null where it is not known before. */
  readonly sizeBytes: number | null;
  /** Where it goes; an older file of that name is replaced. */
  readonly file: string;
}

/** What a disk keeps free. */
const reserveBytes = 512 * 1024 * 1024;
const mostCuts = 5;

/**
 * Fetches a file and checks its digest. A cut connection is taken up where it broke; a file that is not what it should
 * be is removed.
 *
 * @throws AppError `upstream_failed`, `caller_gone`, `disk_full`
 */
export async function fetchFile(
  wanted: FileToFetch,
  deps: { readonly http: HttpGet; readonly signal: AbortSignal; readonly onShare: (share: number | null) => void },
): Promise<void> {
  await checkRoom(path.dirname(wanted.file), wanted.sizeBytes ?? 0);
  const handle = await open(wanted.file, 'w', 0o600);
  const part = { position: 0, hash: createHash('sha256') };
  try {
    for (let cuts = 0; ; cuts += 1) {
      const before = part.position;
      try {
        await transfer(wanted, part, handle, deps);
        break;
      } catch (error) {
        if (deps.signal.aborted || error instanceof AppError || cuts >= mostCuts || part.position === before)
          throw error;
      }
    }
  } catch (error) {
    await handle.close();
    await rm(wanted.file, { force: true });
    throw asFailure(error, wanted.url, deps.signal);
  }
  await handle.close();
  const digest = part.hash.digest('hex');
  if (digest === wanted.sha256) return;
  await rm(wanted.file, { force: true });
  throw new AppError(
    'upstream_failed',
    `What arrived is not what it should be: its digest is sha256:${digest}, and sha256:${wanted.sha256} was expected. It has been removed. Try again later.`,
  );
}

interface Part {
  position: number;
  hash: Hash;
}

/** Rejects with an AppError for what trying again does not mend. */
async function transfer(
  wanted: FileToFetch,
  part: Part,
  handle: Awaited<ReturnType<typeof open>>,
  deps: { readonly http: HttpGet; readonly signal: AbortSignal; readonly onShare: (share: number | null) => void },
): Promise<void> {
  const headers: Record<string, string> = part.position > 0 ? { range: `bytes=${part.position}-` } : {};
  const { status, headers: answered, body } = await deps.http.get(wanted.url, { headers, signal: deps.signal });
  if (status !== 200 && status !== 206) {
    body.destroy();
    throw refused(wanted.url, status);
  }
  // A server without ranges sends it all again.
  if (status === 200 && part.position > 0) {
    part.position = 0;
    part.hash = createHash('sha256');
    await handle.truncate(0);
  }
  const length = Number(answered['content-length'] ?? Number.NaN);
  const total = Number.isFinite(length) ? part.position + length : wanted.sizeBytes;
  for await (const piece of body) {
    await handle.write(piece, 0, piece.length, part.position);
    part.hash.update(piece);
    part.position += piece.length;
    deps.onShare(total === null || total === 0 ? null : Math.min(1, part.position / total));
  }
  if (total !== null && part.position < total) throw new Error('The connection was cut.');
}

/** @throws AppError `disk_full` with the numbers when there is no room */
export async function checkRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= neededBytes + reserveBytes) return;
  throw new AppError(
    'disk_full',
    `The disk of ${folder} has ${gigabytes(free)} free, and ${gigabytes(neededBytes + reserveBytes)} are needed. Make room, then try again.`,
  );
}

/** The sha256 of a file, 64 hex digits. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

function refused(address: string, status: number): AppError {
  const host = hostOf(address);
  if (status === 403 || status === 429) {
    return new AppError(
      'upstream_failed',
      `${host} takes no more requests from here for now (${status}). Try again in an hour.`,
    );
  }
  return new AppError(
    'upstream_failed',
    `${host} answered ${status} for ${new URL(address).pathname}. Try again later.`,
  );
}

function asFailure(error: unknown, address: string, signal: AbortSignal): AppError {
  if (signal.aborted) return new AppError('caller_gone', 'The installation was cancelled.');
  if (error instanceof AppError) return error;
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
    return new AppError('disk_full', 'The disk is full. Make room, then try again.');
  }
  const said = error instanceof Error ? error.message : toAppError(error).message;
  return new AppError(
    'upstream_failed',
    `${hostOf(address)} could not be read: ${said.replace(/\.?$/, '.')} Try again later.`,
    {
      cause: error,
    },
  );
}

const hostOf = (address: string): string => new URL(address).hostname;
