import { open } from 'node:fs/promises';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { ByteSource, unusable } from './byte-source.ts';
import { fileTypeName, tensorType, tensorTypeName } from './gguf-types.ts';

/** What the header of a GGUF file says about the model in it. */
export interface GgufHeader {
  readonly sizeBytes: number;
  readonly version: number;
  readonly architecture: string;
  readonly name: string | null;
  /** Such as Q4_K_M; from the file type, else the type that most weights have. */
  readonly quantization: string | null;
  readonly contextLength: number | null;
  readonly blockCount: number | null;
  readonly embeddingLength: number | null;
  readonly headCount: number | null;
  readonly headCountKv: number | null;
  /** Number of weights. */
  readonly parameters: number;
  /** Tensor type → how many weights have it. */
  readonly tensorTypes: ReadonlyMap<number, number>;
  readonly hasChatTemplate: boolean;
}

/** Most of a file that is read: real headers have a few megabytes, the largest vocabularies some ten. */
const limitBytes = 64 * 1024 * 1024;
const mostEntries = 65_536;
const mostTensors = 65_536;
const mostArrayItems = 16 * 1024 * 1024;
const longestKey = 65_535;
const longestString = 32 * 1024 * 1024;
const longestTensorName = 512;
const mostDimensions = 4;
/** Strings longer than this are passed over; of those only the presence counts. */
const longestKeptString = 4_096;

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

type Metadata = Map<string, string | number | boolean>;

/**
 * Reads a file's header, however hostile the file: bounded in time and memory, and nothing it claims is believed
 * before it is checked.
 *
 * @throws AppError `model_unusable`, with a sentence that says what is wrong with the file
 */
export async function readGgufHeader(file: string): Promise<GgufHeader> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw new AppError('model_unusable', cannotOpen(error), { cause: error });
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable('It is not a file.');
    const source = new ByteSource(handle, { sizeBytes: stat.size, limitBytes });
    return await readHeader(source, stat.size);
  } finally {
    await handle.close();
  }
}

function cannotOpen(error: unknown): string {
  switch (systemErrorCode(error) ?? '') {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'There is no such file. Check the path.';
    case 'EACCES':
    case 'EPERM':
      return 'The file may not be read by this user. Change its permissions.';
    default:
      return 'The file cannot be opened.';
  }
}

async function readHeader(source: ByteSource, sizeBytes: number): Promise<GgufHeader> {
  const version = await readVersion(source);
  const tensorCount = await source.count(mostTensors, 'tensors');
  const entryCount = await source.count(mostEntries, 'metadata entries');
  const metadata: Metadata = new Map();
  for (let index = 0; index < entryCount; index += 1) await readEntry(source, metadata);
  const tensors = await readTensors(source, tensorCount);
  const alignment = wholeNumber(metadata, 'general.alignment') ?? 32;
  if (alignment === 0 || alignment > 65_536 || alignment % 8 !== 0)
    throw unusable('The file names an impossible alignment.');
  const dataStart = Math.ceil(source.position / alignment) * alignment;
  checkEnd(tensors.endBytes, dataStart, sizeBytes);
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string' || !/^[\w.-]{1,64}$/.test(architecture)) {
    throw unusable('The file does not say which architecture its model has.');
  }
  const name = metadata.get('general.name');
  const ofModel = (key: string): number | null => wholeNumber(metadata, `${architecture}.${key}`);
  return {
    sizeBytes,
    version,
    architecture,
    name: typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, 200) : null,
    quantization: quantizationOf(wholeNumber(metadata, 'general.file_type'), tensors.weights),
    contextLength: ofModel('context_length'),
    blockCount: ofModel('block_count'),
    embeddingLength: ofModel('embedding_length'),
    headCount: ofModel('attention.head_count'),
    headCountKv: ofModel('attention.head_count_kv'),
    parameters: [...tensors.weights.values()].reduce((sum, count) => sum + count, 0),
    tensorTypes: tensors.weights,
    hasChatTemplate: metadata.has('tokenizer.chat_template'),
  };
}

async function readVersion(source: ByteSource): Promise<number> {
  const magic = await source.take(4);
  if (magic.toString('latin1') !== 'GGUF')
    throw unusable('It is not a GGUF file. Download the model in the GGUF format.');
  const version = await source.u32();
  if (version === 2 || version === 3) return version;
  if (version === 1)
    throw unusable('It is a GGUF file of version 1, which no engine reads any more. Convert the model again.');
  if ((version & 0xffff) === 0) throw unusable('It is a big-endian GGUF file. Download the little-endian one.');
  throw unusable(`It is a GGUF file of version ${version}, which this program does not know. Update Ranch Hand.`);
}

async function readEntry(source: ByteSource, metadata: Metadata): Promise<void> {
  const key = (await source.take(await source.count(longestKey, 'bytes in a key'))).toString('utf8');
  const value = await readValue(source, await source.u32());
  if (value !== undefined) metadata.set(key, value);
}

/** The value if it is one that is kept: arrays are passed over, long strings cut to their presence. */
async function readValue(source: ByteSource, type: number): Promise<string | number | boolean | undefined> {
  if (type === types.string) {
    const length = await source.count(longestString, 'bytes in a text');
    if (length <= longestKeptString) return (await source.take(length)).toString('utf8');
    source.skip(length);
    return '';
  }
  if (type === types.array) {
    await skipArray(source);
    return undefined;
  }
  const size = fixedSizes.get(type);
  if (size === undefined) throw unusable(`The file has a metadata value of the unknown type ${type}.`);
  const bytes = await source.take(size);
  switch (type) {
    case types.u32:
      return bytes.readUInt32LE();
    case types.i32:
      return bytes.readInt32LE();
    case types.u16:
      return bytes.readUInt16LE();
    case types.u64:
      return Number(bytes.readBigUInt64LE());
    case types.i64:
      return Number(bytes.readBigInt64LE());
    case types.bool:
      return bytes.readUInt8() !== 0;
    default:
      return undefined;
  }
}

async function skipArray(source: ByteSource): Promise<void> {
  const type = await source.u32();
  const count = await source.count(mostArrayItems, 'items in a list');
  const size = fixedSizes.get(type);
  if (size !== undefined) {
    source.skip(size * count);
    return;
  }
  if (type !== types.string)
    throw unusable('The file has a list of lists in its metadata, which no known model needs.');
  for (let index = 0; index < count; index += 1) {
    source.skip(await source.count(longestString, 'bytes in a text'));
  }
}

interface Tensors {
  readonly weights: Map<number, number>;
  /** Where the last tensor ends, counted from the start of the data; of types whose size is known. */
  readonly endBytes: number;
}

async function readTensors(source: ByteSource, count: number): Promise<Tensors> {
  const weights = new Map<number, number>();
  let endBytes = 0;
  for (let index = 0; index < count; index += 1) {
    source.skip(await source.count(longestTensorName, 'bytes in a tensor name'));
    const dimensions = await source.u32();
    if (dimensions > mostDimensions) throw unusable(`The file has a tensor with ${dimensions} dimensions.`);
    let values = 1;
    for (let dimension = 0; dimension < dimensions; dimension += 1) {
      values *= await source.count(Number.MAX_SAFE_INTEGER, 'values in a dimension');
    }
    if (values > Number.MAX_SAFE_INTEGER) throw unusable('The file has a tensor with an impossible number of values.');
    const type = await source.u32();
    const offset = await source.count(Number.MAX_SAFE_INTEGER, 'bytes before a tensor');
    weights.set(type, (weights.get(type) ?? 0) + values);
    const stored = tensorType(type);
    const bytes = stored ? Math.ceil(values / stored.block) * stored.bytes : 0;
    endBytes = Math.max(endBytes, offset + bytes);
  }
  return { weights, endBytes };
}

function checkEnd(endBytes: number, dataStart: number, sizeBytes: number): void {
  const neededBytes = dataStart + endBytes;
  if (neededBytes <= sizeBytes) return;
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  throw unusable(
    `The file is incomplete: its header speaks of ${gib(neededBytes)} GiB and it has ${gib(sizeBytes)} GiB. ` +
      'Wait until it is copied, or copy it again.',
  );
}

function wholeNumber(metadata: Metadata, key: string): number | null {
  const value = metadata.get(key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function quantizationOf(fileType: number | null, weights: ReadonlyMap<number, number>): string | null {
  const named = fileType === null ? undefined : fileTypeName(fileType);
  if (named !== undefined && !weights.has(36)) return named;
  const [most] = [...weights].sort(([, a], [, b]) => b - a);
  return most ? tensorTypeName(most[0]) : null;
}
