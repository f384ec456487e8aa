import { unusable, type ByteSource } from './byte-source.ts';

/** What is kept of a file's metadata: numbers, texts, and lists of numbers that are no longer than a model is deep. */
export class Metadata {
  readonly #values = new Map<string, string | number | boolean>();
  readonly #lists = new Map<string, readonly number[]>();
  /** How long the lists are that were passed over or kept. */
  readonly #lengths = new Map<string, number>();

  keep(key: string, value: string | number | boolean): void {
    this.#values.set(key, value);
  }

  keepList(key: string, length: number, values: readonly number[] | null): void {
    this.#lengths.set(key, length);
    if (values !== null) this.#lists.set(key, values);
  }

  has(key: string): boolean {
    return this.#values.has(key) || this.#lengths.has(key);
  }

  text(key: string): string | null {
    const value = this.#values.get(key);
    return typeof value === 'string' ? value : null;
  }

  /** A whole number from 0 on; null for anything else. */
  number(key: string): number | null {
    const value = this.#values.get(key);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
  }

  flag(key: string): boolean | null {
    const value = this.#values.get(key);
    return typeof value === 'boolean' ? value : null;
  }

  /** A list of numbers, true and false as 1 and 0; null when there is none. */
  list(key: string): readonly number[] | null {
    return this.#lists.get(key) ?? null;
  }

  /** Items of a list, whether or not they were kept. */
  length(key: string): number | null {
    return this.#lengths.get(key) ?? null;
  }

  /** The keys that begin so. */
  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }
}

const longestKey = 65_535;
const longestText = 32 * 1024 * 1024;
const mostItems = 16 * 1024 * 1024;
/** Lists with one item for each layer; no model has more layers than this. */
const mostKeptItems = 1_024;
/** Longer texts are passed over; of those only the presence counts. Chat templates are the longest that are wanted. */
const longestKeptText = 256 * 1024;

const types = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
};
const fixedSizes = new Map([
  [types.u8, 1],
  [types.i8, 1],
  [types.u16, 2],
  [types.i16, 2],
  [types.u32, 4],
  [types.i32, 4],
  [types.f32, 4],
  [types.bool, 1],
  [types.u64, 8],
  [types.i64, 8],
  [types.f64, 8],
]);

/** Reads so many entries. Throws `model_unusable` for what no honest file has. */
export async function readMetadata(source: ByteSource, count: number): Promise<Metadata> {
  const metadata = new Metadata();
  let keptTextBytes = 0;
  for (let index = 0; index < count; index += 1) {
    const key = (await source.take(await source.count(longestKey, 'bytes in a key'))).toString('utf8');
    const type = await source.u32();
    if (type === types.array) {
      await readList(source, key, metadata);
      continue;
    }
    if (type !== types.string) {
      const value = scalar(type, await source.take(sizeOf(type)));
      if (value !== null) metadata.keep(key, value);
      continue;
    }
    const length = await source.count(longestText, 'bytes in a text');
    keptTextBytes += length;
    // Together too: a file may have thousands of entries.
    if (length <= longestKeptText && keptTextBytes <= 4 * longestKeptText) {
      metadata.keep(key, (await source.take(length)).toString('utf8'));
    } else {
      source.skip(length);
      metadata.keep(key, '');
    }
  }
  return metadata;
}

async function readList(source: ByteSource, key: string, metadata: Metadata): Promise<void> {
  const type = await source.u32();
  const count = await source.count(mostItems, 'items in a list');
  if (type === types.string) {
    await source.skipTexts(count, longestText);
    metadata.keepList(key, count, null);
    return;
  }
  if (type === types.array) {
    throw unusable('The file has a list of lists in its metadata, which no known model needs.');
  }
  const size = sizeOf(type);
  if (count > mostKeptItems || type === types.f32 || type === types.f64) {
    source.skip(size * count);
    metadata.keepList(key, count, null);
    return;
  }
  const bytes = await source.take(size * count);
  const values = Array.from({ length: count }, (_, index) => {
    const value = scalar(type, bytes.subarray(index * size, (index + 1) * size));
    return Number(value ?? 0);
  });
  metadata.keepList(key, count, values);
}

function sizeOf(type: number): number {
  const size = fixedSizes.get(type);
  if (size === undefined) throw unusable(`The file has a metadata value of the unknown type ${type}.`);
  return size;
}

/** Null for fractions, which nothing here needs. */
function scalar(type: number, bytes: Buffer): number | boolean | null {
  switch (type) {
    case types.u8:
      return bytes.readUInt8();
    case types.i8:
      return bytes.readInt8();
    case types.u16:
      return bytes.readUInt16LE();
    case types.i16:
      return bytes.readInt16LE();
    case types.u32:
      return bytes.readUInt32LE();
    case types.i32:
      return bytes.readInt32LE();
    case types.u64:
      return Number(bytes.readBigUInt64LE());
    case types.i64:
      return Number(bytes.readBigInt64LE());
    case types.bool:
      return bytes.readUInt8() !== 0;
    default:
      return null;
  }
}
