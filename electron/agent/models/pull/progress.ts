const windowMs = 5_000;
const sampleEveryMs = 250;

/**
 * How far a pull is and how fast it goes. Times are given by the caller, in monotonic milliseconds. What has arrived
 * never falls but by {@link beginAgain}.
 */
export class Progress {
  #receivedBytes: number;
  #totalBytes: number | null;
  /** Oldest first, not much older than the window. */
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(receivedBytes: number, totalBytes: number | null) {
    this.#receivedBytes = receivedBytes;
    this.#totalBytes = totalBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get totalBytes(): number | null {
    return this.#totalBytes;
  }

  setTotal(bytes: number | null): void {
    this.#totalBytes = bytes;
  }

  /** So much has arrived in all. */
  reach(bytes: number, nowMs: number): void {
    this.#receivedBytes = Math.max(this.#receivedBytes, bytes);
    const last = this.#samples.at(-1);
    if (last && nowMs - last.atMs < sampleEveryMs) return;
    this.#samples.push({ atMs: nowMs, bytes: this.#receivedBytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= windowMs) this.#samples.shift();
  }

  /** What had arrived was thrown away, down to so many bytes. */
  beginAgain(bytes: number): void {
    this.#receivedBytes = bytes;
    this.#samples = [];
  }

  /** Nothing flows: an old speed would be told as the present one. */
  rest(): void {
    this.#samples = [];
  }

  /** Over the last five seconds or so; null while there is nothing to reckon with. */
  bytesPerSecond(nowMs: number): number | null {
    const [first] = this.#samples;
    if (!first || nowMs - first.atMs < sampleEveryMs) return null;
    return ((this.#receivedBytes - first.bytes) * 1_000) / (nowMs - first.atMs);
  }

  secondsLeft(nowMs: number): number | null {
    const speed = this.bytesPerSecond(nowMs);
    if (speed === null || speed <= 0 || this.#totalBytes === null) return null;
    return Math.max(0, this.#totalBytes - this.#receivedBytes) / speed;
  }
}
