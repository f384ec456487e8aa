import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../base/errors.ts';

/** The first piece; later ones double, since who reads on has a large header before him. */
const firstPieceBytes = 256 * 1024;
const largestPieceBytes = 2 * 1024 * 1024;

/**
 * Reads a file from front to back in pieces. Never reads more than its limit, and never keeps more in memory than one
 * piece or one value, whatever lengths the file claims.
 */
export class ByteSource {
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  readonly #limitBytes: number;
  #piece: Buffer = Buffer.alloc(0);
  #at = 0;
  #filePosition = 0;
  #readBytes = 0;
  #pieceBytes = firstPieceBytes;

  constructor(file: FileHandle, options: { sizeBytes: number; limitBytes: number }) {
    this.#file = file;
    this.#sizeBytes = options.sizeBytes;
    this.#limitBytes = options.limitBytes;
  }

  /** Offset in the file of the next byte. */
  get position(): number {
    return this.#filePosition - (this.#piece.length - this.#at);
  }

  async u32(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }

  /** A length or count; refused as unusable beyond `most`, before anything is made of it. */
  async count(most: number, what: string): Promise<number> {
    return countIn(await this.take(8), most, what);
  }

  async take(length: number): Promise<Buffer> {
    if (this.#piece.length - this.#at < length) await this.#fill(length);
    return this.#cut(length);
  }

  /**
   * The next `length` bytes, or as many as the file still has, to be read with {@link takeNow} and {@link countNow}:
   * waiting for each small value would take longer than reading it.
   */
  async prefetch(length: number): Promise<void> {
    const left = this.#sizeBytes - this.position;
    const wanted = Math.min(length, left);
    if (this.#piece.length - this.#at < wanted) await this.#fill(wanted);
  }

  /** Like {@link take}, of bytes that were prefetched. */
  takeNow(length: number): Buffer {
    if (this.#piece.length - this.#at < length) throw cutOff();
    return this.#cut(length);
  }

  /** Like {@link count}, of bytes that were prefetched. */
  countNow(most: number, what: string): number {
    return countIn(this.takeNow(8), most, what);
  }

  /** Passes over texts, each with its length in front: a vocabulary has hundreds of thousands of them. */
  async skipTexts(count: number, longest: number): Promise<void> {
    let left = count;
    while (left > 0) {
      if (this.#piece.length - this.#at < 8) await this.#fill(8);
      const { buffer, byteOffset, length } = this.#piece;
      const view = new DataView(buffer, byteOffset, length);
      let at = this.#at;
      for (; left > 0 && at <= length - 8; left -= 1) {
        const bytes = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
        if (bytes > longest) throw beyondReason(bytes, 'bytes in a text');
        at += 8 + bytes;
      }
      this.#at = Math.min(at, length);
      this.skip(at - this.#at);
    }
  }

  /** Passes over bytes without keeping them. */
  skip(length: number): void {
    const inPiece = Math.min(length, this.#piece.length - this.#at);
    this.#at += inPiece;
    const beyond = length - inPiece;
    if (beyond === 0) return;
    this.#charge(beyond);
    if (this.#filePosition + beyond > this.#sizeBytes) throw cutOff();
    this.#filePosition += beyond;
  }

  #cut(length: number): Buffer {
    const bytes = this.#piece.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  async #fill(length: number): Promise<void> {
    const rest = this.#piece.subarray(this.#at);
    const wanted = Math.min(Math.max(length - rest.length, this.#pieceBytes), this.#sizeBytes - this.#filePosition);
    if (rest.length + wanted < length) throw cutOff();
    this.#charge(wanted);
    this.#pieceBytes = Math.min(2 * this.#pieceBytes, largestPieceBytes);
    const fresh = Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#file.read(fresh, filled, wanted - filled, this.#filePosition + filled);
      if (bytesRead === 0) throw cutOff();
      filled += bytesRead;
    }
    this.#filePosition += wanted;
    this.#piece = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
    this.#at = 0;
  }

  #charge(bytes: number): void {
    this.#readBytes += bytes;
    if (this.#readBytes > this.#limitBytes) {
      throw unusable(`The file's header is larger than ${Math.round(this.#limitBytes / 2 ** 20)} MiB.`);
    }
  }
}

function countIn(bytes: Buffer, most: number, what: string): number {
  const value = bytes.readBigUInt64LE();
  if (value > BigInt(most)) throw beyondReason(value, what);
  return Number(value);
}

const beyondReason = (value: number | bigint, what: string): AppError =>
  unusable(`The file claims ${value} ${what}, which is beyond reason.`);

/** A `model_unusable` with that sentence. */
export function unusable(message: string): AppError {
  return new AppError('model_unusable', message);
}

function cutOff(): AppError {
  return unusable(
    'The file ends in the middle of its header. It may be an unfinished copy; copy or download it again.',
  );
}
