import type { BodyFraming } from '../wire-response.ts';
import { framingOf, parseHead, WireFormatError, type ResponseHead } from './response-head.ts';

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;

const headLimitBytes = 64 * 1024;
const chunkLimitBytes = 1024 * 1024 * 1024;
const extensionLimitBytes = 4 * 1024;
const trailerLimitBytes = 16 * 1024;

type State =
  | 'head'
  | 'length'
  | 'until-close'
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-size-lf'
  | 'chunk-data'
  | 'chunk-data-cr'
  | 'chunk-data-lf'
  | 'trailer'
  | 'done';

/** Called with `bytes[start, end)`, a piece of the body without its framing. */
export type OnPayload = (bytes: Buffer, start: number, end: number) => void;

/**
 * An incremental HTTP/1.1 response parser for one response. It keeps no body bytes, gives the same result wherever the
 * input is cut, and bounds everything that a hostile upstream could grow: head, chunk sizes, extensions, trailers.
 */
export class ResponseParser {
  readonly #headOnly: boolean;
  readonly #onPayload: OnPayload;
  #state: State = 'head';
  #headBytes: Buffer[] = [];
  #headLength = 0;
  /** The last bytes of the head so far, at most three: the blank line may begin in them. */
  #headTail = Buffer.alloc(0);
  #head: ResponseHead | null = null;
  #framing: BodyFraming = { kind: 'none' };
  /** Bytes left of the body (`length`) or of the chunk (`chunk-data`). */
  #left = 0;
  #sizeDigits = 0;
  #extensionLength = 0;
  #trailerLength = 0;
  #trailerLineLength = 0;
  #trailerPrevious = 0;
  #boundary = 0;

  /** `method` is that of the request: an answer to HEAD has no body whatever its headers say. */
  constructor(method: string, onPayload: OnPayload) {
    this.#headOnly = method === 'HEAD';
    this.#onPayload = onPayload;
  }

  /** The head, once it is complete. */
  get head(): ResponseHead | null {
    return this.#head;
  }

  get framing(): BodyFraming {
    return this.#framing;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Whether the body contains trailers, which are not passed on. Known when done. */
  get hasTrailers(): boolean {
    return this.#trailerLength > 2;
  }

  /**
   * The place in the bytes of the latest `push` after which the last complete chunk ended, its CRLF included and the
   * closing chunk excepted; `start` of that push when no chunk ended in it.
   */
  get boundary(): number {
    return this.#boundary;
  }

  /**
   * Reads `bytes` from `start` and returns where it stopped: right after the head, right after the end of the
   * response, or at the end of the bytes.
   *
   * @throws WireFormatError when the bytes are not a valid response
   */
  push(bytes: Buffer, start = 0): number {
    this.#boundary = start;
    if (this.#state === 'head') return this.#readHead(bytes, start);
    let at = start;
    while (at < bytes.length && this.#state !== 'done') at = this.#step(bytes, at);
    return at;
  }

  /**
   * The connection has ended.
   *
   * @throws WireFormatError when the response was not complete
   */
  finish(): void {
    if (this.#state === 'until-close') this.#state = 'done';
    if (this.#state !== 'done') throw new WireFormatError('the connection closed before the answer was complete');
  }

  #readHead(bytes: Buffer, start: number): number {
    const end = this.#endOfHead(bytes, start);
    const stop = end === -1 ? bytes.length : end;
    this.#headLength += stop - start;
    if (this.#headLength > headLimitBytes) throw new WireFormatError('the head of the answer is too large');
    this.#headBytes.push(bytes.subarray(start, stop));
    if (end === -1) {
      this.#headTail = Buffer.concat([this.#headTail, bytes.subarray(Math.max(start, stop - 3), stop)]).subarray(-3);
      return stop;
    }

    const only = this.#headBytes[0];
    const whole = this.#headBytes.length === 1 && only ? only : Buffer.concat(this.#headBytes);
    const head = parseHead(whole.toString('latin1'));
    this.#headBytes = [];
    this.#headTail = Buffer.alloc(0);
    if (head.status >= 200) {
      this.#begin(head);
      return stop;
    }
    if (head.status === 101) throw new WireFormatError('the upstream switched protocols unasked');
    // An interim answer such as 100 or 103: the real head follows, and counts against the same limit.
    return stop < bytes.length ? this.#readHead(bytes, stop) : stop;
  }

  /** Index after the CRLFCRLF that may have begun in earlier bytes; -1 while it has not come. */
  #endOfHead(bytes: Buffer, start: number): number {
    const tail = this.#headTail;
    if (tail.length > 0) {
      const seam = Buffer.concat([tail, bytes.subarray(start, start + 3)]);
      const found = seam.indexOf('\r\n\r\n', 0, 'latin1');
      if (found !== -1) return start + found + 4 - tail.length;
    }
    const found = bytes.indexOf('\r\n\r\n', start, 'latin1');
    return found === -1 ? -1 : found + 4;
  }

  #begin(head: ResponseHead): void {
    this.#head = head;
    this.#framing = framingOf(head, this.#headOnly);
    switch (this.#framing.kind) {
      case 'none':
        this.#state = 'done';
        break;
      case 'length':
        this.#left = this.#framing.lengthBytes;
        this.#state = this.#left === 0 ? 'done' : 'length';
        break;
      case 'close':
        this.#state = 'until-close';
        break;
      case 'chunked':
        this.#state = 'chunk-size';
        break;
    }
  }

  /** Consumes at least one byte at `at` and returns the next place. */
  #step(bytes: Buffer, at: number): number {
    const state = this.#state;
    if (state === 'chunk-data') return this.#data(bytes, at, 'chunk-data-cr');
    if (state === 'length') return this.#data(bytes, at, 'done');
    if (state === 'until-close') {
      this.#onPayload(bytes, at, bytes.length);
      return bytes.length;
    }
    const byte = bytes[at] ?? 0;
    if (state === 'chunk-size') this.#chunkSize(byte);
    else if (state === 'chunk-extension') this.#extension(byte);
    else if (state === 'trailer') this.#trailer(byte);
    else this.#lineEnd(state, byte, at);
    return at + 1;
  }

  #data(bytes: Buffer, at: number, next: State): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = next;
    this.#onPayload(bytes, at, end);
    return end;
  }

  /** The CR and LF around chunks. */
  #lineEnd(state: State, byte: number, at: number): void {
    if (state === 'chunk-data-cr') {
      expectByte(byte, CR);
      this.#state = 'chunk-data-lf';
      return;
    }
    expectByte(byte, LF);
    if (state === 'chunk-data-lf') {
      this.#boundary = at + 1;
      this.#state = 'chunk-size';
      return;
    }
    this.#sizeDigits = 0;
    this.#extensionLength = 0;
    this.#state = this.#left === 0 ? 'trailer' : 'chunk-data';
  }

  #chunkSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#sizeDigits += 1;
      this.#left = this.#left * 16 + digit;
      if (this.#sizeDigits > 16 || this.#left > chunkLimitBytes) throw new WireFormatError('a chunk is too large');
      return;
    }
    if (this.#sizeDigits === 0) throw new WireFormatError('a chunk has no size');
    if (byte === CR) this.#state = 'chunk-size-lf';
    else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.#state = 'chunk-extension';
    else throw new WireFormatError('a chunk size is not a number');
  }

  #extension(byte: number): void {
    this.#extensionLength += 1;
    if (this.#extensionLength > extensionLimitBytes) throw new WireFormatError('a chunk extension is too long');
    if (byte === CR) this.#state = 'chunk-size-lf';
    else if (byte === LF || byte === 0) throw new WireFormatError('a chunk extension has a forbidden character');
  }

  #trailer(byte: number): void {
    this.#trailerLength += 1;
    if (this.#trailerLength > trailerLimitBytes) throw new WireFormatError('the trailers are too large');
    if (byte === LF) {
      expectByte(this.#trailerPrevious, CR);
      if (this.#trailerLineLength === 1) this.#state = 'done';
      this.#trailerLineLength = 0;
    } else {
      if (this.#trailerPrevious === CR || byte === 0) throw new WireFormatError('a trailer has a forbidden character');
      this.#trailerLineLength += 1;
    }
    this.#trailerPrevious = byte;
  }
}

function expectByte(byte: number, expected: number): void {
  if (byte !== expected) throw new WireFormatError('the chunk framing is broken');
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
