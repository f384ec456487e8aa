import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /** Waits between pieces, so that the rest of the program and of the machine goes first; by default not at all. */
  readonly pause?: () => Promise<void>;
}

/** Short enough that hashing one holds nobody up: about half a millisecond. */
const pieceBytes = 256 * 1024;

/**
 * The sha256 of a file, read in pieces, as `sha256:` and 64 hex digits. Rejects with the system's error where it cannot
 * be read, and with the signal's reason when it is aborted.
 */
export async function digestOf(file: string, options: VerifyOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      options.signal?.throwIfAborted();
      const { bytesRead } = await handle.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return `sha256:${hash.digest('hex')}`;
      hash.update(piece.subarray(0, bytesRead));
      await options.pause?.();
    }
  } finally {
    await handle.close();
  }
}

/** Whether a file has a digest, with or without `sha256:` in front. Rejects as {@link digestOf}. */
export async function verify(file: string, expectedSha256: string, options: VerifyOptions = {}): Promise<boolean> {
  const expected = expectedSha256.toLowerCase().replace(/^sha256:/, '');
  return (await digestOf(file, options)) === `sha256:${expected}`;
}
