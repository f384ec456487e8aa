/**
 * What a stream sends before its answer begins, such as whose turn it is. Whether it leaves with the framing it came with
 * is known only then, so both are kept: as views, for the bytes are never overwritten.
 */
export class EarlyBytes {
  readonly #limitBytes: number;
  readonly #raw: Buffer[] = [];
  readonly #payload: Buffer[] = [];
  #rawBytes = 0;
  #payloadBytes = 0;

  /** `limitBytes`: most that is kept of either. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps a piece as it came; false, and nothing is kept of it, where it is too much. */
  keepRaw(bytes: Buffer): boolean {
    if (this.#rawBytes + bytes.length > this.#limitBytes) return false;
    this.#rawBytes += bytes.length;
    this.#raw.push(bytes);
    return true;
  }

  /** The same for `bytes[start, end)`, a piece of the payload. */
  keepPayload(bytes: Buffer, start: number, end: number): boolean {
    if (this.#payloadBytes + end - start > this.#limitBytes) return false;
    this.#payloadBytes += end - start;
    this.#payload.push(bytes.subarray(start, end));
    return true;
  }

  /** All of it as it came, and `next` behind it. */
  rawBefore(next: Buffer | null): Buffer {
    if (next === null) return Buffer.concat(this.#raw, this.#rawBytes);
    return this.#rawBytes === 0 ? next : Buffer.concat([...this.#raw, next], this.#rawBytes + next.length);
  }

  payload(): Buffer {
    return Buffer.concat(this.#payload, this.#payloadBytes);
  }
}
