import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { usageExportSchema, type UsageExport } from '../../contract/control.ts';
import { valid } from './calls.ts';

/** What can be had as a file. The text comes in pieces that are asked for one at a time, as the reader takes them. */
export interface ExportHandlers {
  /** Every request of the ledger within the times. The signal aborts when the reader is gone. */
  readonly usage: (params: UsageExport, signal: AbortSignal) => AsyncIterable<string>;
}

const limits = {
  /** Exports at the same time: each is read from the ledger from one end to the other. */
  open: 4,
  /** Pieces are put together up to this many characters, so that a line is not sent by itself. */
  pieceChars: 32 * 1024,
  /** Longest time that a reader may take nothing, milliseconds: somebody may be paging through it. */
  standstillMs: 10 * 60_000,
};

const contentTypes: Readonly<Record<UsageExport['format'], string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/x-ndjson; charset=utf-8',
};
const fileEndings: Readonly<Record<UsageExport['format'], string>> = { csv: 'csv', json: 'ndjson' };

/** Answers that are files: as long as they come out, never longer in memory than a piece. */
export class Exports {
  readonly #handlers: ExportHandlers;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #open = 0;

  constructor(deps: { readonly handlers: ExportHandlers; readonly clock: Clock; readonly logger: Logger }) {
    this.#handlers = deps.handlers;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /**
   * Streams the usage as a file. Rejects with an AppError while nothing has been sent; what fails later cuts the
   * connection, so that the reader cannot take what it has for the whole.
   */
  async sendUsage(params: URLSearchParams, response: ServerResponse): Promise<void> {
    const wanted = valid(usageExportSchema, Object.fromEntries(params));
    requireOrder(wanted);
    if (this.#open >= limits.open) {
      throw new AppError('too_busy', 'Too many exports are under way. Wait until one has ended, then try again.');
    }
    this.#open += 1;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    let source: AsyncIterator<string> | undefined;
    try {
      source = this.#handlers.usage(wanted, gone.signal)[Symbol.asyncIterator]();
      await this.#send(wanted, source, { response, gone: gone.signal });
    } finally {
      this.#open -= 1;
      // Not waited for: a source that hangs must not hold its place.
      void source?.return?.().catch(() => undefined);
    }
  }

  async #send(
    wanted: UsageExport,
    source: AsyncIterator<string>,
    { response, gone }: { readonly response: ServerResponse; readonly gone: AbortSignal },
  ): Promise<void> {
    // The first piece before the head: what cannot even begin is still told as an error.
    let piece = await untilGone(gatherPiece(source), gone);
    if (piece === null) return;
    response.statusCode = 200;
    response.setHeader('content-type', contentTypes[wanted.format]);
    response.setHeader('content-disposition', `attachment; filename="${fileName(wanted, this.#clock.now())}"`);
    response.setHeader('cache-control', 'no-store');
    try {
      while (piece !== null) {
        if (piece.text !== '' && !response.write(piece.text) && !(await this.#drained(response, gone))) return;
        if (piece.done) {
          response.end();
          return;
        }
        piece = await untilGone(gatherPiece(source), gone);
      }
    } catch (error) {
      this.#logger.error({ err: error }, 'an export broke off');
      response.destroy();
    }
  }

  /** Whether the reader has taken what waited for it; false when it is gone, or let go because it took nothing. */
  #drained(response: ServerResponse, gone: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (taken: boolean): void => {
        cancel();
        response.off('drain', onDrain);
        gone.removeEventListener('abort', onGone);
        resolve(taken);
      };
      const onDrain = (): void => settle(true);
      const onGone = (): void => settle(false);
      const cancel = this.#clock.after(limits.standstillMs, () => {
        response.destroy();
        settle(false);
      });
      response.on('drain', onDrain);
      if (gone.aborted) settle(false);
      else gone.addEventListener('abort', onGone);
    });
  }
}

interface Piece {
  readonly text: string;
  readonly done: boolean;
}

async function gatherPiece(source: AsyncIterator<string>): Promise<Piece> {
  let text = '';
  while (text.length < limits.pieceChars) {
    const next = await source.next();
    if (next.done === true) return { text, done: true };
    text += next.value;
  }
  return { text, done: false };
}

/** Null as soon as the reader is gone, whether or not the work ends. */
function untilGone<Result>(work: Promise<Result>, gone: AbortSignal): Promise<Result | null> {
  return new Promise((resolve, reject) => {
    const onGone = (): void => resolve(null);
    if (gone.aborted) onGone();
    else gone.addEventListener('abort', onGone);
    work.then(resolve, reject).finally(() => gone.removeEventListener('abort', onGone));
  });
}

function requireOrder({ since, until }: UsageExport): void {
  if (since === undefined || until === undefined || Date.parse(since) < Date.parse(until)) return;
  throw new AppError('invalid_request', 'The time to begin at is not before the time to end at. Change one of them.');
}

/** Such as `ranch-hand-usage-2026-11-21-to-2026-11-22.csv`; days in UTC, as the times in the file are. */
function fileName({ since, until, format }: UsageExport, nowMs: number): string {
  const day = (time: string | number): string => new Date(time).toISOString().slice(0, 10);
  const from = since === undefined ? '' : `-${day(since)}-to`;
  return `ranch-hand-usage${from}-${day(until ?? nowMs)}.${fileEndings[format]}`;
}
