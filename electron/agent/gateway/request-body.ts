import type { IncomingMessage } from 'node:http';
import { AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { judgeJsonType } from '../base/json-request.ts';

/** After a silence that was too long what has come meanwhile is read first: this process may have stood still itself. */
const lastLookMs = 20;

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** Longest silence while a body is being received. */
  readonly bodySilenceMs: number;
  /** Longest time that a whole body may take. */
  readonly bodyMs: number;
}

/**
 * Judges the headers that describe a body, before any of it is read.
 *
 * @throws AppError `unsupported_media_type` or `payload_too_large`
 */
export function judgeBodyHeaders({ headers, rawHeaders }: IncomingMessage, limits: BodyLimits): void {
  const refusal = judgeJsonType(rawHeaders);
  if (refusal) throw refusal;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new AppError(
      'unsupported_media_type',
      'Compressed bodies are not accepted. Send it without Content-Encoding.',
    );
  }
  if (Number(headers['content-length'] ?? 0) > limits.maxBodyBytes) throw tooLarge(limits);
}

/**
 * Receives the whole body.
 *
 * @throws AppError `payload_too_large`, `request_timeout` when it trickles, `caller_gone` when it breaks off
 */
export function readBody(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const startedMs = clock.monotonic();
    let heardMs = startedMs;
    let looked = false;
    let cancel = clock.after(Math.min(limits.bodySilenceMs, limits.bodyMs), check);

    function check(): void {
      const nowMs = clock.monotonic();
      const left = Math.min(limits.bodySilenceMs - (nowMs - heardMs), limits.bodyMs - (nowMs - startedMs));
      if (left > 0 || !looked) {
        looked = left <= 0;
        cancel = clock.after(looked ? lastLookMs : left, check);
      } else finish(new AppError('request_timeout', 'The body came too slowly. Send the request again.'));
    }

    function data(piece: Buffer): void {
      heardMs = clock.monotonic();
      length += piece.length;
      if (length > limits.maxBodyBytes) finish(tooLarge(limits));
      else pieces.push(piece);
    }

    function end(): void {
      finish(null);
    }

    function broken(): void {
      finish(new AppError('caller_gone', 'The caller left before its request was complete.'));
    }

    function finish(error: AppError | null): void {
      cancel();
      request.off('data', data).off('end', end).off('close', broken).off('error', broken);
      if (error === null) {
        const [only] = pieces;
        resolve(pieces.length === 1 && only ? only : Buffer.concat(pieces, length));
        return;
      }
      // A late error of the socket has nobody else to hear it.
      request.on('error', () => undefined);
      reject(error);
    }

    request.on('data', data).on('end', end).on('close', broken).on('error', broken);
  });
}

function tooLarge(limits: BodyLimits): AppError {
  const mebibytes = Math.floor(limits.maxBodyBytes / 1024 / 1024);
  return new AppError('payload_too_large', `The body is larger than ${mebibytes} MiB. Send a shorter one.`);
}
