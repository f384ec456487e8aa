const bytesAnEntry = 8;
/** Neighbouring buckets are one percent apart. */
const ratio = Math.log(1.01);
const offset = 1_000;

/**
 * How often a figure came, in buckets a percent wide that keep the sum of what fell into them: the median of few figures
 * is exact, that of many within a percent, and what many hours saw can be put together from what each saw.
 */
export class Speeds {
  readonly #buckets = new Map<number, { count: number; sum: number }>();
  #count = 0;

  /** From what `encode` made; an empty one from null. */
  static decode(bytes: Uint8Array | null): Speeds {
    const speeds = new Speeds();
    speeds.addEncoded(bytes);
    return speeds;
  }

  get count(): number {
    return this.#count;
  }

  add(figure: number): void {
    if (!Number.isFinite(figure) || figure < 0) return;
    this.#add(bucketOf(figure), 1, figure);
  }

  addEncoded(bytes: Uint8Array | null): void {
    if (bytes === null) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + bytesAnEntry <= bytes.byteLength; at += bytesAnEntry) {
      const head = view.getUint32(at, true);
      const count = head >>> 12;
      this.#add(head & 0xfff, count, view.getFloat32(at + 4, true) * count);
    }
  }

  addAll(other: Speeds): void {
    for (const [bucket, { count, sum }] of other.#buckets) this.#add(bucket, count, sum);
  }

  /** Null while empty. */
  encode(): Uint8Array | null {
    if (this.#count === 0) return null;
    const bytes = new Uint8Array(this.#buckets.size * bytesAnEntry);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const [bucket, { count, sum }] of this.#buckets) {
      // Twenty bits are a million of the same percent in one quarter of an hour.
      view.setUint32(at, ((Math.min(count, 0xfffff) << 12) | bucket) >>> 0, true);
      view.setFloat32(at + 4, sum / count, true);
      at += bytesAnEntry;
    }
    return bytes;
  }

  /** Null without figures. */
  median(): number | null {
    if (this.#count === 0) return null;
    const buckets = [...this.#buckets].toSorted(([a], [b]) => a - b).map(([, bucket]) => bucket);
    const upper = at(buckets, Math.floor(this.#count / 2));
    const middle = this.#count % 2 === 1 ? upper : (at(buckets, this.#count / 2 - 1) + upper) / 2;
    // Seven digits are kept; more would be made up.
    return Number(middle.toPrecision(6));
  }

  #add(bucket: number, count: number, sum: number): void {
    const held = this.#buckets.get(bucket);
    if (held) {
      held.count += count;
      held.sum += sum;
    } else this.#buckets.set(bucket, { count, sum });
    this.#count += count;
  }
}

function bucketOf(figure: number): number {
  if (figure < 1e-4) return 0;
  return Math.min(0xfff, Math.max(1, Math.round(Math.log(figure) / ratio) + offset));
}

function at(buckets: readonly { readonly count: number; readonly sum: number }[], rank: number): number {
  let passed = 0;
  for (const { count, sum } of buckets) {
    passed += count;
    if (rank < passed) return sum / count;
  }
  return 0;
}
