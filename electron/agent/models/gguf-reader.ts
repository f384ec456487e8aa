import { open } from 'node:fs/promises';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { ByteSource, unusable } from './byte-source.ts';
import { useOf, type ModelUse } from './capabilities.ts';
import { readMetadata, type Metadata } from './gguf-metadata.ts';
import { shapeOf } from './gguf-shape.ts';
import { readTensors, together, type TensorSums } from './gguf-tensors.ts';
import { bitnetTensorType, fileTypeName, tensorTypeName } from './gguf-types.ts';
import type { ModelShape } from './model-shape.ts';

/** What the header of a GGUF file says about the model in it. */
export interface GgufHeader {
  /** All parts together. */
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
  /** What it is for. */
  readonly use: ModelUse;
  /** Null when the file does not tell enough. */
  readonly shape: ModelShape | null;
}

/** Most of a file that is read: real headers have a few megabytes, the largest vocabularies some ten. */
const limitBytes = 64 * 1024 * 1024;
const mostEntries = 65_536;
const mostTensors = 65_536;
/** The BitNet fork has TL2 where llama.cpp has MXFP4. */
const bitnetNumbers: ReadonlySet<number> = new Set([39]);

/**
 * Reads a model's header, however hostile the file: bounded in time and memory, and nothing it claims is believed
 * before it is checked.
 *
 * @param otherParts Of a model that was split, the parts after the first: their tensors count too.
 * @throws AppError `model_unusable`, with a sentence that says what is wrong with the file
 */
export async function readGgufHeader(file: string, otherParts: readonly string[] = []): Promise<GgufHeader> {
  const first = await readPart(file);
  let { tensors, sizeBytes } = first;
  for (const part of otherParts) {
    const next = await readPart(part);
    tensors = together(tensors, next.tensors);
    sizeBytes += next.sizeBytes;
  }
  return headerOf({ ...first, tensors, sizeBytes });
}

interface Part {
  readonly sizeBytes: number;
  readonly version: number;
  readonly metadata: Metadata;
  readonly tensors: TensorSums;
}

async function readPart(file: string): Promise<Part> {
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
    return await readTables(source, stat.size);
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

async function readTables(source: ByteSource, sizeBytes: number): Promise<Part> {
  const version = await readVersion(source);
  const tensorCount = await source.count(mostTensors, 'tensors');
  const entryCount = await source.count(mostEntries, 'metadata entries');
  const metadata = await readMetadata(source, entryCount);
  const ofBitnet = metadata.text('general.architecture')?.startsWith('bitnet') ?? false;
  const tensors = await readTensors(source, tensorCount, ofBitnet ? bitnetNumbers : new Set());
  const alignment = metadata.number('general.alignment') ?? 32;
  if (alignment === 0 || alignment > 65_536 || alignment % 8 !== 0)
    throw unusable('The file names an impossible alignment.');
  const dataStart = Math.ceil(source.position / alignment) * alignment;
  checkEnd(tensors.endBytes, dataStart, sizeBytes);
  return { sizeBytes, version, metadata, tensors };
}

function headerOf({ sizeBytes, version, metadata, tensors }: Part): GgufHeader {
  const architecture = metadata.text('general.architecture');
  if (architecture === null || !/^[\w.-]{1,64}$/.test(architecture)) {
    throw unusable('The file does not say which architecture its model has.');
  }
  refuseParts(architecture, metadata);
  const name = metadata.text('general.name')?.trim() ?? '';
  const ofModel = (key: string): number | null => metadata.number(`${architecture}.${key}`);
  return {
    sizeBytes,
    version,
    architecture,
    name: name === '' ? null : name.slice(0, 200),
    quantization: quantizationOf(metadata.number('general.file_type'), tensors.byType),
    contextLength: ofModel('context_length'),
    blockCount: ofModel('block_count'),
    embeddingLength: ofModel('embedding_length'),
    headCount: ofModel('attention.head_count'),
    headCountKv: ofModel('attention.head_count_kv'),
    parameters: tensors.all.weights,
    tensorTypes: tensors.byType,
    hasChatTemplate: metadata.has('tokenizer.chat_template'),
    use: useOf(architecture, metadata),
    shape: shapeOf(architecture, metadata, tensors, sizeBytes),
  };
}

/** Files in the same format that belong to a model and are none. */
function refuseParts(architecture: string, metadata: Metadata): void {
  const type = metadata.text('general.type');
  if (architecture === 'clip' || type === 'mmproj') {
    throw unusable('It is the part of a model that sees pictures, and no model by itself. Keep it beside its model.');
  }
  if (type === 'adapter') throw unusable('It is an adapter for a model, and no model by itself.');
  if (type === 'imatrix') throw unusable('It is an importance matrix for making quantizations, and no model.');
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

function checkEnd(endBytes: number, dataStart: number, sizeBytes: number): void {
  const neededBytes = dataStart + endBytes;
  if (neededBytes <= sizeBytes) return;
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  throw unusable(
    `The file is incomplete: its header speaks of ${gib(neededBytes)} GiB and it has ${gib(sizeBytes)} GiB. ` +
      'Wait until it is copied, or copy it again.',
  );
}

function quantizationOf(fileType: number | null, weights: ReadonlyMap<number, number>): string | null {
  const named = fileType === null ? undefined : fileTypeName(fileType);
  if (named !== undefined && !weights.has(bitnetTensorType)) return named;
  const [most] = [...weights].sort(([, a], [, b]) => b - a);
  return most ? tensorTypeName(most[0]) : null;
}
