import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const pieceBytes = 1024 * 1024;

/**
 * A file that grows in the staging folder, with the digest of what is in it so far. What was there before is read once
 * to go on with its digest. A write that fails leaves no half piece behind.
 */
export class PartFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Opens or makes the file; its present content counts as arrived.
   *
   * @param onRead hears how many bytes of it have been read again
   */
  static async open(
    path: string,
    signal: AbortSignal,
    onRead: (bytes: number) => void = () => undefined,
  ): Promise<PartFile> {
    // A link in the staging folder is not followed: it could lead to any file of this user.
    const flags = constants.O_RDWR | constants.O_CREAT | (process.platform === 'win32' ? 0 : constants.O_NOFOLLOW);
    const part = new PartFile(await open(path, flags, 0o600));
    try {
      await part.#readAgain(signal, onRead);
      return part;
    } catch (error) {
      await part.#file.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** 64 hex digits, of what is in the file now. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async append(bytes: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) {
        const at = this.#sizeBytes + written;
        written += (await this.#file.write(bytes, written, bytes.length - written, at)).bytesWritten;
      }
    } catch (error) {
      await this.#file.truncate(this.#sizeBytes);
      throw error;
    }
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  /** Resolves when it is on the disk itself. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #readAgain(signal: AbortSignal, onRead: (bytes: number) => void): Promise<void> {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#file.read(piece, 0, pieceBytes, this.#sizeBytes);
      if (bytesRead === 0) return;
      this.#hash.update(piece.subarray(0, bytesRead));
      this.#sizeBytes += bytesRead;
      onRead(this.#sizeBytes);
    }
  }
}

/** Digest of a whole file, 64 hex digits. `onRead` hears how far it is. */
export async function digestOfFile(
  path: string,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => undefined,
): Promise<string> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let at = 0; ;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, pieceBytes, at);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
      onRead(at);
    }
  } finally {
    await file.close();
  }
}
