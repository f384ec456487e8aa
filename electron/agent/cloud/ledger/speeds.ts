const bytesAnEntry = 8;
/** Neighbouring buckets are one percent apart. */
const ratio = Math.log(1.01);
const offset = 1_000;
const mostBuckets = 0x1000;
/** A window of buckets grows by so many at least. */
const roomAhead = 32;

/**
 * How often a figure came, in buckets a percent wide that keep the sum of what fell into them: the median of few figures
 * is exact, that of many within a percent, and what many hours saw can be put together from what each saw. The buckets
 * between the least and the largest figure lie side by side: putting thousands of distributions together is what an
 * answer over a month consists of.
 */
export class Speeds {
  /** The bucket at the start of the window. */
  #first = 0;
  #counts = new Float64Array(0);
  #sums = new Float64Array(0);
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
    const entries = Math.floor(bytes.byteLength / bytesAnEntry);
    if (entries === 0) return;
    // They lie in the order of their buckets: the first and the last say how much room all of them need.
    const first = view.getUint32(0, true) & 0xfff;
    const last = view.getUint32((entries - 1) * bytesAnEntry, true) & 0xfff;
    this.#cover(Math.min(first, last), Math.max(first, last));
    for (let at = 0; at < entries * bytesAnEntry; at += bytesAnEntry) {
      const head = view.getUint32(at, true);
      const count = head >>> 12;
      this.#add(head & 0xfff, count, view.getFloat32(at + 4, true) * count);
    }
  }

  addAll(other: Speeds): void {
    if (other.#count === 0) return;
    this.#cover(other.#first, other.#first + other.#counts.length - 1);
    const counts = this.#counts;
    const sums = this.#sums;
    const shift = other.#first - this.#first;
    for (let at = 0; at < other.#counts.length; at += 1) {
      counts[at + shift] = (counts[at + shift] ?? 0) + (other.#counts[at] ?? 0);
      sums[at + shift] = (sums[at + shift] ?? 0) + (other.#sums[at] ?? 0);
    }
    this.#count += other.#count;
  }

  /** Null while empty. */
  encode(): Uint8Array | null {
    if (this.#count === 0) return null;
    const used = this.#counts.reduce((buckets, count) => (count > 0 ? buckets + 1 : buckets), 0);
    const bytes = new Uint8Array(used * bytesAnEntry);
    const view = new DataView(bytes.buffer);
    let to = 0;
    for (let at = 0; at < this.#counts.length; at += 1) {
      const count = this.#counts[at] ?? 0;
      if (count === 0) continue;
      // Twenty bits are a million of the same percent in one sum.
      view.setUint32(to, ((Math.min(count, 0xfffff) << 12) | (this.#first + at)) >>> 0, true);
      view.setFloat32(to + 4, (this.#sums[at] ?? 0) / count, true);
      to += bytesAnEntry;
    }
    return bytes;
  }

  /** Null without figures. */
  median(): number | null {
    if (this.#count === 0) return null;
    const upper = this.#figureAt(Math.floor(this.#count / 2));
    const middle = this.#count % 2 === 1 ? upper : (this.#figureAt(this.#count / 2 - 1) + upper) / 2;
    // Seven digits are kept; more would be made up.
    return Number(middle.toPrecision(6));
  }

  /** The figure that so many are before. */
  #figureAt(rank: number): number {
    let passed = 0;
    for (let at = 0; at < this.#counts.length; at += 1) {
      const count = this.#counts[at] ?? 0;
      passed += count;
      if (rank < passed) return (this.#sums[at] ?? 0) / count;
    }
    return 0;
  }

  #add(bucket: number, count: number, sum: number): void {
    if (bucket < this.#first || bucket >= this.#first + this.#counts.length) this.#widen(bucket);
    const at = bucket - this.#first;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#sums[at] = (this.#sums[at] ?? 0) + sum;
    this.#count += count;
  }

  #widen(bucket: number): void {
    const { length } = this.#counts;
    const from = length === 0 ? bucket : Math.min(this.#first, bucket);
    const to = length === 0 ? bucket + 1 : Math.max(this.#first + length, bucket + 1);
    // The end that was too short gets some more: its neighbours come next.
    const first = length > 0 && bucket < this.#first ? Math.max(0, from - roomAhead) : from;
    const last = length > 0 && bucket >= this.#first ? Math.min(mostBuckets, to + roomAhead) : to;
    this.#resize(first, last);
  }

  /** Makes room for all buckets from one to another at once. */
  #cover(least: number, most: number): void {
    const { length } = this.#counts;
    const first = length === 0 ? least : Math.min(this.#first, least);
    const last = length === 0 ? most + 1 : Math.max(this.#first + length, most + 1);
    if (last - first === length) return;
    // What is added next is much alike, and a little wider now and then.
    this.#resize(Math.max(0, first - roomAhead), Math.min(mostBuckets, last + roomAhead));
  }

  #resize(first: number, last: number): void {
    this.#counts = moved(this.#counts, this.#first - first, last - first);
    this.#sums = moved(this.#sums, this.#first - first, last - first);
    this.#first = first;
  }
}

function moved(figures: Float64Array<ArrayBuffer>, by: number, length: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(length);
  if (figures.length > 0) wider.set(figures, by);
  return wider;
}

function bucketOf(figure: number): number {
  if (figure < 1e-4) return 0;
  return Math.min(mostBuckets - 1, Math.max(1, Math.round(Math.log(figure) / ratio) + offset));
}
