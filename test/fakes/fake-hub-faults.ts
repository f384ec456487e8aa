import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with files that a fake serves; all off at first. */
export interface FileFaults {
  /** One number for each answer with a body to come: it is cut after so many bytes of it. Then none is cut any more. */
  cuts: number[];
  /** Bytes a second; null: as fast as it goes. */
  bytesPerSecond: number | null;
  /** Falls silent after so many bytes of an answer, with the connection open; null: never. */
  silentAfter: number | null;
  /** So many requests for files are answered 429 with this Retry-After, then none. */
  tooMany: { times: number; retryAfter: string } | null;
  /** Answers ranges with the whole. */
  noRange: boolean;
  /** In place of the real ETag; an empty text sends none. */
  etag: string | null;
  /** Offset of a byte that is served flipped; null: none. */
  flippedAt: number | null;
  /** Added to the length that answers claim. */
  lengthOff: number;
  /** Status for all files; null: none. */
  status: number | null;
}

export const noFaults: FileFaults = {
  cuts: [],
  bytesPerSecond: null,
  silentAfter: null,
  tooMany: null,
  noRange: false,
  etag: null,
  flippedAt: null,
  lengthOff: 0,
  status: null,
};

/** A file that a fake serves. */
export interface ServedFile {
  readonly file: string;
  readonly sizeBytes: number;
  /** 64 hex digits. */
  readonly digest: string;
}

const tickMs = 50;

/** Answers a GET or HEAD for a file as a file server of the real kind does, with whatever is wrong with it. */
export function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  served: ServedFile,
  faults: FileFaults,
): void {
  if (faults.tooMany && faults.tooMany.times > 0) {
    faults.tooMany.times -= 1;
    response.writeHead(429, { 'retry-after': faults.tooMany.retryAfter }).end('Too many requests');
    return;
  }
  if (faults.status !== null) {
    response.writeHead(faults.status).end('no');
    return;
  }
  const etag = faults.etag ?? `"${served.digest}"`;
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...(etag !== '' && { etag }),
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const from = range && !faults.noRange && (condition === undefined || condition === etag) ? Number(range[1]) : null;
  if (from !== null && from >= served.sizeBytes) {
    response.writeHead(416, { 'content-range': `bytes */${served.sizeBytes}` }).end();
    return;
  }
  const last = from !== null && range?.[2] ? Math.min(Number(range[2]), served.sizeBytes - 1) : served.sizeBytes - 1;
  const length = last - (from ?? 0) + 1 + faults.lengthOff;
  if (from === null) response.writeHead(200, { ...headers, 'content-length': length });
  else {
    const total = served.sizeBytes + faults.lengthOff;
    response.writeHead(206, {
      ...headers,
      'content-length': length,
      'content-range': `bytes ${from}-${last}/${total}`,
    });
  }
  if (request.method === 'HEAD') response.end();
  else void pour(response, served.file, { from: from ?? 0, last }, faults);
}

async function pour(
  response: ServerResponse,
  file: string,
  { from, last }: { from: number; last: number },
  faults: FileFaults,
): Promise<void> {
  const closed = once(response, 'close');
  const cut = faults.cuts.shift() ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  const highWaterMark =
    faults.bytesPerSecond === null ? 256 * 1024 : Math.max(1, Math.round((faults.bytesPerSecond * tickMs) / 1_000));
  for await (const read of createReadStream(file, { start: from, end: last, highWaterMark }) as AsyncIterable<Buffer>) {
    const piece = read.subarray(0, Math.max(0, Math.min(read.length, cut - sent)));
    const flipped = (faults.flippedAt ?? -1) - from - sent;
    if (flipped >= 0 && flipped < piece.length) piece[flipped] = (piece[flipped] ?? 0) ^ 1;
    sent += piece.length;
    if (response.destroyed) return;
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
    if (sent >= cut) {
      response.destroy();
      return;
    }
    if (faults.silentAfter !== null && sent >= faults.silentAfter) return;
    if (faults.bytesPerSecond !== null) await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  if (faults.lengthOff > 0) response.destroy();
  else response.end();
}
