import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { Mailbox } from '../base/mailbox.ts';

export interface RotatedFileOptions {
  readonly path: string;
  /** A file that has grown beyond this becomes `<path>.1`. */
  readonly maxBytes: number;
  /** How many older files are kept. */
  readonly keep: number;
}

const mostPendingBytes = 1024 * 1024;

/**
 * A text file that never grows without bound. Writing happens behind the caller's back in order; what cannot be
 * written, because the disk is full or slow, is dropped and counted, for a log must not stop what it logs.
 */
export class RotatedFile {
  readonly #options: RotatedFileOptions;
  readonly #mailbox = new Mailbox();
  #pending: string[] = [];
  #pendingBytes = 0;
  #sizeBytes: number | null = null;
  #dropped = 0;

  constructor(options: RotatedFileOptions) {
    this.#options = options;
  }

  /** How many pieces could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  append(text: string): void {
    if (this.#pendingBytes > mostPendingBytes) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(text);
    this.#pendingBytes += text.length;
    if (this.#pending.length === 1) void this.#mailbox.post(() => this.#flush());
  }

  /** Resolves when everything appended so far is on its way to the disk. */
  async idle(): Promise<void> {
    await this.#mailbox.idle();
  }

  async #flush(): Promise<void> {
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const text = pieces.join('');
    try {
      this.#sizeBytes ??= await this.#openSize();
      if (this.#sizeBytes > this.#options.maxBytes) await this.#rotate();
      await appendFile(this.#options.path, text, { mode: 0o600 });
      this.#sizeBytes += Buffer.byteLength(text);
    } catch {
      this.#dropped += pieces.length;
      this.#sizeBytes = null;
    }
  }

  async #openSize(): Promise<number> {
    await mkdir(path.dirname(this.#options.path), { recursive: true, mode: 0o700 });
    return sizeOf(this.#options.path);
  }

  async #rotate(): Promise<void> {
    const { path: file, keep } = this.#options;
    for (let age = keep; age > 0; age -= 1) {
      await renameIfThere(age === 1 ? file : `${file}.${age - 1}`, `${file}.${age}`);
    }
    this.#sizeBytes = 0;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
