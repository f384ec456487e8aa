/** Writes GGUF headers by hand, right and wrong ones. */
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

export const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

export const entry = {
  string: (key: string, value: string): Buffer => Buffer.concat([text(key), u32(8), text(value)]),
  u32: (key: string, value: number): Buffer => Buffer.concat([text(key), u32(4), u32(value)]),
  strings: (key: string, values: readonly string[]): Buffer =>
    Buffer.concat([text(key), u32(9), u32(8), u64(values.length), ...values.map(text)]),
  raw: (key: string, type: number, value: Buffer): Buffer => Buffer.concat([text(key), u32(type), value]),
};

/** An entry with a list of whole numbers. */
export const u32List = (key: string, values: readonly number[]): Buffer =>
  Buffer.concat([text(key), u32(9), u32(4), u64(values.length), ...values.map(u32)]);

export interface TensorDraft {
  readonly name: string;
  readonly shape: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
}

export interface GgufDraft {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: bigint;
  readonly entryCount?: bigint;
  readonly entries?: readonly Buffer[];
  readonly tensors?: readonly TensorDraft[];
  /** Bytes after the header. */
  readonly dataBytes?: number;
}

export const usualEntries = [
  entry.string('general.architecture', 'llama'),
  entry.string('general.name', 'Small Horse'),
  entry.u32('general.file_type', 15),
  entry.u32('llama.context_length', 4_096),
  entry.u32('llama.block_count', 2),
  entry.strings('tokenizer.ggml.tokens', ['a', 'b', 'c']),
  entry.string('tokenizer.chat_template', '{{ messages }}'.repeat(1_000)),
];

export function ggufFile(draft: GgufDraft = {}): Buffer {
  const { entries = usualEntries, tensors = [{ name: 'w', shape: [32, 4], type: 8, offset: 0 }] } = draft;
  const head = Buffer.concat([
    Buffer.from(draft.magic ?? 'GGUF'),
    u32(draft.version ?? 3),
    u64(draft.tensorCount ?? tensors.length),
    u64(draft.entryCount ?? entries.length),
    ...entries,
    ...tensors.map(({ name, shape, type, offset }) =>
      Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]),
    ),
  ]);
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
  return Buffer.concat([head, padding, Buffer.alloc(draft.dataBytes ?? 4 * 34)]);
}
