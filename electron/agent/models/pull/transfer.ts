import type { IncomingHttpHeaders } from 'node:http';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { asInterruption, type HttpAnswer, type HttpClient } from './http-client.ts';
import { Interruption } from './interruption.ts';
import type { PartFile } from './part-file.ts';

/** One file to fetch. */
export interface RemoteFile {
  readonly url: string;
  /** Null where only the server's answer tells. */
  readonly sizeBytes: number | null;
  /** 64 hex digits that the whole has to have; null where nobody says. */
  readonly digest: string | null;
}

export interface TransferDeps {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** What the server called the version that the part is of: an ETag or a date, as it goes into If-Range. */
  readonly validator: { get(): string | null; set(value: string | null): void };
  /** So much of this file is in its part. */
  readonly onBytes: (bytes: number) => void;
  /** What had arrived is worth nothing, with the reason: it begins anew. */
  readonly onRestart: (reason: string) => void;
  /** The size of the whole is known now; throws when there is no room for the rest. */
  readonly onSize: (sizeBytes: number, restBytes: number) => Promise<void>;
  /** The error for an answer that is no success. */
  readonly refusal: (status: number, headers: IncomingHttpHeaders) => Error;
}

/** What came of it: the size, and the digest that the hub names while it redirects. */
export interface Transferred {
  readonly sizeBytes: number;
  /** 64 hex digits; null where no answer named one. */
  readonly namedDigest: string | null;
}

/**
 * Brings the rest of a file into its part, going on where the part ends. One try: a cut is an {@link Interruption},
 * and the next try goes on from there.
 *
 * @throws Interruption for what may be tried again; AppError for what will not get better
 */
export async function transfer(file: RemoteFile, part: PartFile, deps: TransferDeps): Promise<Transferred> {
  if (file.sizeBytes !== null && part.sizeBytes > file.sizeBytes) {
    await restart(part, deps, 'More had arrived than the file has.');
  }
  if (file.sizeBytes !== null && part.sizeBytes === file.sizeBytes && part.sizeBytes > 0) {
    return { sizeBytes: file.sizeBytes, namedDigest: null };
  }
  await dropUnprovable(file, part, deps);
  const answer = await deps.http.get(file.url, { headers: rangeHeaders(part, deps), signal: deps.signal });
  try {
    const namedDigest = linkedDigest(answer);
    const sizeBytes = await beginning(file, part, answer, deps);
    if (sizeBytes === 'complete') return { sizeBytes: part.sizeBytes, namedDigest };
    await pour(answer, part, sizeBytes, deps);
    return { sizeBytes: part.sizeBytes, namedDigest };
  } finally {
    answer.body.destroy();
  }
}

/** Without a digest and without a validator, nothing would tell a file that changed meanwhile. */
async function dropUnprovable(file: RemoteFile, part: PartFile, deps: TransferDeps): Promise<void> {
  if (part.sizeBytes === 0 || file.digest !== null || deps.validator.get() !== null) return;
  await restart(part, deps, 'The server does not say whether the file is still the same.');
}

function rangeHeaders(part: PartFile, deps: TransferDeps): Record<string, string> {
  if (part.sizeBytes === 0) return {};
  const validator = deps.validator.get();
  return { range: `bytes=${part.sizeBytes}-`, ...(validator !== null && { 'if-range': validator }) };
}

/** Makes the part ready for the body. The size of the whole, null where it is not told; `complete` when nothing is missing. */
async function beginning(
  file: RemoteFile,
  part: PartFile,
  { status, headers }: HttpAnswer,
  deps: TransferDeps,
): Promise<number | null | 'complete'> {
  if (status === 206) return continuing(file, part, headers, deps);
  if (status === 416 && part.sizeBytes > 0) {
    const total = /^bytes \*\/(\d{1,16})$/.exec(headers['content-range'] ?? '')?.[1];
    if (Number(total) === part.sizeBytes && (file.sizeBytes ?? part.sizeBytes) === part.sizeBytes) return 'complete';
    await restart(part, deps, 'The file is another one now.');
    throw new Interruption('The file is another one now.', { retryAfterMs: 0 });
  }
  if (status !== 200) throw deps.refusal(status, headers);
  if (part.sizeBytes > 0)
    await restart(part, deps, 'The server cannot go on in the middle, or the file is another one now.');
  const told = headers['content-length'] === undefined ? null : Number(headers['content-length']);
  const sizeBytes = agreedSize(file.sizeBytes, told);
  deps.validator.set(validatorIn(headers));
  if (sizeBytes !== null) await deps.onSize(sizeBytes, sizeBytes);
  return sizeBytes;
}

async function continuing(
  file: RemoteFile,
  part: PartFile,
  headers: IncomingHttpHeaders,
  deps: TransferDeps,
): Promise<number | null> {
  const [, from, to, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  const before = deps.validator.get();
  const now = validatorIn(headers);
  const isOther = before !== null && now !== null && before !== now && before.startsWith('"') === now.startsWith('"');
  const told = total === undefined || total === '*' ? null : Number(total);
  if (Number(from) !== part.sizeBytes || isOther || (told !== null && Number(to) >= told)) {
    await restart(part, deps, 'The server sends another part than the one asked for.');
    throw new Interruption('The server sent another part than the one asked for.');
  }
  deps.validator.set(now ?? before);
  const sizeBytes = agreedSize(file.sizeBytes, told);
  if (sizeBytes !== null) await deps.onSize(sizeBytes, sizeBytes - part.sizeBytes);
  return sizeBytes;
}

function agreedSize(expected: number | null, told: number | null): number | null {
  if (expected !== null && told !== null && expected !== told) {
    throw new AppError(
      'upstream_failed',
      `The server offers ${told} bytes, and the file should have ${expected}. Choose another source, or try again later.`,
    );
  }
  return expected ?? told;
}

async function pour(
  { body, url }: HttpAnswer,
  part: PartFile,
  sizeBytes: number | null,
  deps: TransferDeps,
): Promise<void> {
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      if (sizeBytes !== null && part.sizeBytes + piece.length > sizeBytes) {
        await part.clear();
        throw new AppError('upstream_failed', `${url.hostname} sends more than the file has. Choose another source.`);
      }
      await part.append(piece);
      deps.onBytes(part.sizeBytes);
    }
  } catch (error) {
    deps.signal.throwIfAborted();
    if (error instanceof AppError || isOfTheDisk(error)) throw error;
    throw asInterruption(error, url.href);
  }
  if (sizeBytes !== null && part.sizeBytes < sizeBytes) {
    throw new Interruption(`The connection to ${url.hostname} was cut.`);
  }
}

async function restart(part: PartFile, deps: TransferDeps, reason: string): Promise<void> {
  await part.clear();
  deps.validator.set(null);
  deps.onRestart(reason);
}

/** Fit for If-Range: a strong ETag, else the date of change. */
function validatorIn(headers: IncomingHttpHeaders): string | null {
  const { etag } = headers;
  if (etag !== undefined && /^"[^"\p{Cc}]{1,500}"$/u.test(etag)) return etag;
  const date = headers['last-modified'];
  return date !== undefined && !Number.isNaN(Date.parse(date)) ? date : null;
}

/** Hugging Face names the digest of a large file in the answer that redirects to it. */
function linkedDigest({ headers, redirects }: HttpAnswer): string | null {
  for (const each of [...redirects, headers]) {
    const found = /^"?([0-9a-f]{64})"?$/.exec(String(each['x-linked-etag'] ?? ''))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** Whether an error is one of writing and not of the connection. */
function isOfTheDisk(error: unknown): boolean {
  const code = systemErrorCode(error) ?? '';
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'EBADF'].includes(code);
}
