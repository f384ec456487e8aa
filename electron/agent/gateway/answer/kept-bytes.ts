/** A copy of some bytes in a buffer that is reused: some upstreams send usage with every event. */
export class KeptBytes {
  readonly #limitBytes: number;
  #bytes: Buffer | null = null;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** `limitBytes`: longest piece that is kept. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps `bytes[start, end)` instead of what was kept; what is too long is passed over. */
  replace(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > this.#limitBytes) return;
    if (this.#bytes === null || this.#bytes.length < length) {
      this.#bytes = Buffer.allocUnsafe(Math.min(this.#limitBytes, Math.max(1024, length * 2)));
    }
    bytes.copy(this.#bytes, 0, start, end);
    this.#length = length;
  }

  /** Adds `bytes[start, end)`, letting go of the oldest beyond the limit. */
  append(bytes: Buffer, start: number, end: number): void {
    const length = Math.min(this.#limitBytes, end - start);
    const stay = Math.min(this.#limitBytes - length, this.#length);
    const kept = this.#withRoom(stay + length);
    if (stay < this.#length) kept.copyWithin(0, this.#length - stay, this.#length);
    bytes.copy(kept, stay, end - length, end);
    this.#length = stay + length;
  }

  /** Grows as it is needed: most answers are short, and a buffer of full size for each would cost more than the rest. */
  #withRoom(length: number): Buffer {
    const before = this.#bytes;
    if (before !== null && before.length >= length) return before;
    const after = Buffer.allocUnsafe(Math.min(this.#limitBytes, Math.max(1024, length * 2)));
    before?.copy(after, 0, 0, this.#length);
    this.#bytes = after;
    return after;
  }

  /** What is kept, as UTF-8; empty when nothing is. */
  text(): string {
    return this.#bytes === null ? '' : this.#bytes.toString('utf8', 0, this.#length);
  }
}
