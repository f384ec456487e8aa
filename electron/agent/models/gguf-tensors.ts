import { unusable, type ByteSource } from './byte-source.ts';
import { storedBytes, tensorType } from './gguf-types.ts';

/** Weights and bytes of some of a model's tensors. */
export interface TensorSum {
  readonly weights: number;
  readonly bytes: number;
}

/** What the tables of tensors say, of all parts of a model together. */
export interface TensorSums {
  readonly all: TensorSum;
  /** Tensor type → how many weights have it. */
  readonly byType: ReadonlyMap<number, number>;
  /** The table of input embeddings, and tables with a row for each token besides: rows are looked up, not multiplied. */
  readonly inputTable: TensorSum;
  readonly otherTables: TensorSum;
  /** The output head; nothing where the table of input embeddings is used for it. */
  readonly outputHead: TensorSum;
  /** Matrices of experts, of which only some are used for a token. */
  readonly experts: TensorSum;
  /** Rows of the table of input embeddings. */
  readonly vocabularySize: number | null;
  /** Where the last tensor ends, counted from the start of the data; of types whose size is known. */
  readonly endBytes: number;
  /** Whether a tensor has a type of unknown size, so that its bytes are missing in the sums. */
  readonly unknownSizes: boolean;
}

const longestName = 512;
const mostDimensions = 4;
/** Name with its length, dimensions, type and offset of one tensor. */
const longestEntry = 8 + longestName + 4 + 8 * mostDimensions + 4 + 8;

interface TensorEntry {
  readonly name: string;
  readonly weights: number;
  readonly lastDimension: number;
  readonly type: number;
  readonly offset: number;
}

/**
 * Reads a table of so many tensors. Throws `model_unusable` for what no honest file has.
 *
 * @param unsized Types whose number means something else here than in the table of types.
 */
export async function readTensors(
  source: ByteSource,
  count: number,
  unsized: ReadonlySet<number>,
): Promise<TensorSums> {
  const byType = new Map<number, number>();
  const sums = { all: none(), inputTable: none(), otherTables: none(), outputHead: none(), experts: none() };
  let vocabularySize: number | null = null;
  let endBytes = 0;
  let unknownSizes = false;
  for (let index = 0; index < count; index += 1) {
    await source.prefetch(longestEntry);
    const tensor = readEntry(source);
    const known = tensorType(tensor.type) !== undefined && !unsized.has(tensor.type);
    const bytes = known ? storedBytes(tensor.type, tensor.weights) : 0;
    byType.set(tensor.type, (byType.get(tensor.type) ?? 0) + tensor.weights);
    endBytes = Math.max(endBytes, tensor.offset + bytes);
    unknownSizes ||= !known;
    add(sums.all, tensor.weights, bytes);
    const part = partOf(tensor.name);
    if (part !== null) add(sums[part], tensor.weights, bytes);
    if (part === 'inputTable') vocabularySize = tensor.lastDimension;
  }
  return { ...sums, byType, vocabularySize, endBytes, unknownSizes };
}

/** The sums of two parts of a split model. */
export function together(one: TensorSums, other: TensorSums): TensorSums {
  const byType = new Map(one.byType);
  for (const [type, weights] of other.byType) byType.set(type, (byType.get(type) ?? 0) + weights);
  const both = (part: 'all' | 'inputTable' | 'otherTables' | 'outputHead' | 'experts'): TensorSum => ({
    weights: one[part].weights + other[part].weights,
    bytes: one[part].bytes + other[part].bytes,
  });
  return {
    all: both('all'),
    inputTable: both('inputTable'),
    otherTables: both('otherTables'),
    outputHead: both('outputHead'),
    experts: both('experts'),
    byType,
    vocabularySize: one.vocabularySize ?? other.vocabularySize,
    endBytes: Math.max(one.endBytes, other.endBytes),
    unknownSizes: one.unknownSizes || other.unknownSizes,
  };
}

function readEntry(source: ByteSource): TensorEntry {
  const name = source.takeNow(source.countNow(longestName, 'bytes in a tensor name')).toString('latin1');
  const dimensions = source.takeNow(4).readUInt32LE();
  if (dimensions > mostDimensions) throw unusable(`The file has a tensor with ${dimensions} dimensions.`);
  let weights = 1;
  let lastDimension = 0;
  for (let dimension = 0; dimension < dimensions; dimension += 1) {
    lastDimension = source.countNow(Number.MAX_SAFE_INTEGER, 'values in a dimension');
    weights *= lastDimension;
  }
  if (weights > Number.MAX_SAFE_INTEGER) throw unusable('The file has a tensor with an impossible number of values.');
  const type = source.takeNow(4).readUInt32LE();
  const offset = source.countNow(Number.MAX_SAFE_INTEGER, 'bytes before a tensor');
  return { name, weights, lastDimension, type, offset };
}

/** By the names that llama.cpp gives tensors of every architecture. */
function partOf(name: string): 'inputTable' | 'otherTables' | 'outputHead' | 'experts' | null {
  if (name === 'token_embd.weight') return 'inputTable';
  if (name === 'output.weight') return 'outputHead';
  if (/^(?:per_layer_token_embd|token_types|position_embd)\.weight$/.test(name)) return 'otherTables';
  return /\.ffn_(?:gate|up|down|gate_up)_exps\.weight$/.test(name) ? 'experts' : null;
}

const none = (): { weights: number; bytes: number } => ({ weights: 0, bytes: 0 });

function add(sum: { weights: number; bytes: number }, weights: number, bytes: number): void {
  sum.weights += weights;
  sum.bytes += bytes;
}
