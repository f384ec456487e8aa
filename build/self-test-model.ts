import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Computes the self-test model: a GGUF file that any llama.cpp loads and that always says one fixed sentence. Nothing
 * is trained and nothing is random. Attention and feed-forward weights are zero, so that the residual stream carries
 * the one-hot embedding of the last token to the output matrix, which maps every token to its successor.
 */
export interface SelfTestModel {
  /** `general.name`, for people. */
  readonly name: string;
  /** What it says, cut into tokens; spaces and line breaks belong to the pieces. No two pieces may be the same. */
  readonly pieces: readonly string[];
  /** Jinja chat template. */
  readonly chatTemplate: string;
}

/** Says that this node works, and how to pick a real model. */
export const selfTestSentence: SelfTestModel = {
  name: 'Ranch Hand self-test',
  pieces: (
    'This node can load a model and generate text. For real answers put any GGUF file into its models folder, ' +
    'or start it with --set models.default=PATH instead.'
  ).split(/(?= )/),
  chatTemplate:
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
};

/** Answers every question with one tool call, in the tags that many open models use for it. */
export const selfTestToolCall: SelfTestModel = {
  name: 'Ranch Hand tool-call self-test',
  pieces: [
    '<tool_call>',
    '\n',
    '{"name":',
    ' "get_weather",',
    ' "arguments":',
    ' {"city":',
    ' "Oslo"}}',
    '\n</tool_call>',
  ],
  chatTemplate: [
    "{% if tools %}{{ '<|system|>You may call these functions:\n<tools>\n' }}",
    "{% for tool in tools %}{{ tool | tojson }}{{ '\n' }}{% endfor %}{{ '</tools>\n' }}",
    '{{ \'For a call answer <tool_call>\n{"name": NAME, "arguments": OBJECT}\n</tool_call>\n\' }}{% endif %}',
    "{% for message in messages %}{% if message['role'] == 'tool' %}",
    "{{ '<|user|><tool_response>\n' + message['content'] + '\n</tool_response>\n' }}",
    "{% elif message['tool_calls'] %}{{ '<|assistant|>' }}{% for call in message['tool_calls'] %}",
    "{{ '<tool_call>\n{\"name\": \"' + call['function']['name'] + '\", \"arguments\": ' }}",
    "{{ call['function']['arguments'] | tojson }}{{ '}\n</tool_call>\n' }}{% endfor %}",
    "{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '\n' }}{% endif %}{% endfor %}",
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  ].join(''),
};

/** The sizes of a model, and where it keeps which token follows which. */
interface Layout {
  /** Width of the embedding and size of the vocabulary: one dimension for every token, a multiple of 32. */
  readonly width: number;
  readonly feedForwardWidth: number;
  /**
   * `output`: the feed-forward weights are zero, and the output matrix maps every token to its successor ·
   * `feed-forward`: the feed-forward layer does that with weights of 0 and 1, which a ternary quantization keeps exactly
   */
  readonly successors: 'output' | 'feed-forward';
}

const plainLayout: Layout = { width: 288, feedForwardWidth: 32, successors: 'output' };
/** Ternary quantizations pack 256 weights of a row into a block. */
const ternaryLayout: Layout = { width: 512, feedForwardWidth: 512, successors: 'feed-forward' };

const headWidth = 32;
const contextLength = 16_384;
const alignment = 32;

const unknownToken = 0;
const beginToken = 1;
const endToken = 2;
const firstByteToken = 3;
/** A lone space, so that any text comes back from the tokenizer as it went in. */
const spaceToken = firstByteToken + 256;
const firstPieceToken = spaceToken + 1;

/** Weight of a successor. With the norm's gain of √width it makes a logit of 270 or more, beyond any temperature. */
const successorWeight = 16;

/**
 * Under a grammar the successor is often not allowed. These weights then close what is open before they add to it, so
 * that even this model writes short valid JSON instead of filling a string for ever.
 */
const grammarPreference = new Map([
  ['"', 8],
  ['}', 7],
  [']', 6],
  ['t', 4],
  ['f', 4],
  ['n', 4],
  ['1', 3],
  ['[', 2],
  ['{', 2],
]);

const valueType = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const tokenType = { normal: 1, unknown: 2, control: 3, unused: 5, byte: 6 } as const;
const halfFloat = { id: 1, bytes: 2 };
const float = { id: 0, bytes: 4 };

interface Token {
  readonly text: string;
  readonly type: number;
}

interface Tensor {
  readonly name: string;
  /** Innermost dimension first, as GGUF stores it. */
  readonly shape: readonly number[];
  readonly type: typeof halfFloat;
  readonly data: Buffer;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}

const entry = {
  uint: (key: string, value: number) => Buffer.concat([text(key), u32(valueType.uint32), u32(value)]),
  float: (key: string, value: number) => Buffer.concat([text(key), u32(valueType.float32), f32(value)]),
  bool: (key: string, value: boolean) => Buffer.concat([text(key), u32(valueType.bool), Buffer.from([value ? 1 : 0])]),
  string: (key: string, value: string) => Buffer.concat([text(key), u32(valueType.string), text(value)]),
  array: (key: string, type: number, items: readonly Buffer[]) =>
    Buffer.concat([text(key), u32(valueType.array), u32(type), u64(items.length), ...items]),
};

function vocabulary(pieces: readonly string[], { width }: Layout): Token[] {
  const mostPieces = width - firstPieceToken;
  if (pieces.length === 0 || pieces.length > mostPieces) {
    throw new RangeError(`a self-test model says 1 to ${mostPieces} pieces, not ${pieces.length}`);
  }
  if (new Set([' ', ...pieces]).size !== pieces.length + 1) {
    throw new RangeError('every piece needs a token of its own, so no two may be equal');
  }
  const bytes = Array.from({ length: 256 }, (_, byte) => ({
    text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    type: tokenType.byte,
  }));
  // U+2581 is how this kind of tokenizer writes a space inside a token.
  const words = pieces.map((piece) => ({ text: piece.replaceAll(' ', '\u2581'), type: tokenType.normal }));
  const unused = Array.from({ length: mostPieces - pieces.length }, (_, index) => ({
    text: `<unused${index}>`,
    type: tokenType.unused,
  }));
  return [
    { text: '<unk>', type: tokenType.unknown },
    { text: '<s>', type: tokenType.control },
    { text: '</s>', type: tokenType.control },
    ...bytes,
    { text: '\u2581', type: tokenType.normal },
    ...words,
    ...unused,
  ];
}

function metadata(model: SelfTestModel, tokens: readonly Token[], { width, feedForwardWidth }: Layout): Buffer[] {
  return [
    entry.string('general.architecture', 'llama'),
    entry.string('general.name', model.name),
    entry.uint('general.file_type', 1),
    entry.uint('general.alignment', alignment),
    entry.uint('llama.context_length', contextLength),
    entry.uint('llama.embedding_length', width),
    entry.uint('llama.block_count', 1),
    entry.uint('llama.feed_forward_length', feedForwardWidth),
    entry.uint('llama.rope.dimension_count', headWidth),
    entry.uint('llama.attention.head_count', width / headWidth),
    entry.uint('llama.attention.head_count_kv', 1),
    entry.float('llama.attention.layer_norm_rms_epsilon', 1e-6),
    entry.uint('llama.vocab_size', width),
    entry.string('tokenizer.ggml.model', 'llama'),
    entry.array(
      'tokenizer.ggml.tokens',
      valueType.string,
      tokens.map((token) => text(token.text)),
    ),
    entry.array(
      'tokenizer.ggml.scores',
      valueType.float32,
      tokens.map((_, index) => f32(-index)),
    ),
    entry.array(
      'tokenizer.ggml.token_type',
      valueType.int32,
      tokens.map((token) => u32(token.type)),
    ),
    entry.uint('tokenizer.ggml.unknown_token_id', unknownToken),
    entry.uint('tokenizer.ggml.bos_token_id', beginToken),
    entry.uint('tokenizer.ggml.eos_token_id', endToken),
    entry.bool('tokenizer.ggml.add_bos_token', true),
    entry.bool('tokenizer.ggml.add_eos_token', false),
    entry.bool('tokenizer.ggml.add_space_prefix', false),
    entry.string('tokenizer.chat_template', model.chatTemplate),
  ];
}

/** IEEE half precision of a small non-negative integer; exact up to 2048. */
function halfBits(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  const mantissa = Math.round((value / 2 ** exponent - 1) * 1024);
  return ((exponent + 15) << 10) | mantissa;
}

function zeros(name: string, shape: readonly number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, shape, type: halfFloat, data: Buffer.alloc(count * halfFloat.bytes) };
}

function ones(name: string, width: number): Tensor {
  const data = Buffer.alloc(width * float.bytes);
  for (let index = 0; index < width; index += 1) data.writeFloatLE(1, index * float.bytes);
  return { name, shape: [width], type: float, data };
}

/** Row r, column c: weight of token r after token c (or of dimension c in the embedding of token r). */
function square(name: string, width: number, weight: (row: number, column: number) => number): Tensor {
  const tensor = zeros(name, [width, width]);
  for (let row = 0; row < width; row += 1) {
    for (let column = 0; column < width; column += 1) {
      tensor.data.writeUInt16LE(halfBits(weight(row, column)), (row * width + column) * halfFloat.bytes);
    }
  }
  return tensor;
}

function tensors(pieceCount: number, { width, feedForwardWidth, successors }: Layout): Tensor[] {
  const lastPiece = firstPieceToken + pieceCount - 1;
  const successor = (token: number): number => {
    if (token === lastPiece) return endToken;
    return token >= firstPieceToken && token < lastPiece ? token + 1 : firstPieceToken;
  };
  const preference = new Map(
    [...grammarPreference].map(([character, weight]) => [firstByteToken + character.charCodeAt(0), weight] as const),
  );
  const keyValueWidth = headWidth;
  const identity = (row: number, column: number): number => (row === column ? 1 : 0);
  const inOutput = successors === 'output';
  const feedForward = inOutput
    ? [
        zeros('blk.0.ffn_gate.weight', [width, feedForwardWidth]),
        zeros('blk.0.ffn_up.weight', [width, feedForwardWidth]),
        zeros('blk.0.ffn_down.weight', [feedForwardWidth, width]),
      ]
    : [
        // Gate and up make about the width of the normed 1, so that the successor drowns the token that it follows.
        square('blk.0.ffn_gate.weight', width, identity),
        square('blk.0.ffn_up.weight', width, identity),
        square('blk.0.ffn_down.weight', width, (row, column) => (successor(column) === row ? 1 : 0)),
      ];
  return [
    square('token_embd.weight', width, identity),
    ones('blk.0.attn_norm.weight', width),
    zeros('blk.0.attn_q.weight', [width, width]),
    zeros('blk.0.attn_k.weight', [width, keyValueWidth]),
    zeros('blk.0.attn_v.weight', [width, keyValueWidth]),
    zeros('blk.0.attn_output.weight', [width, width]),
    ones('blk.0.ffn_norm.weight', width),
    ...feedForward,
    ones('output_norm.weight', width),
    square('output.weight', width, (row, column) =>
      (inOutput ? successor(column) : column) === row ? successorWeight : (preference.get(row) ?? 0),
    ),
  ];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((alignment - (bytes.length % alignment)) % alignment)]);
}

/** The bytes of the GGUF file (version 3, little-endian, F16, about 0.8 MB); the same on every machine. */
export function buildSelfTestModel(model: SelfTestModel = selfTestSentence): Buffer {
  return build(model, plainLayout);
}

/**
 * The same sentence from a model whose work is done by weights of 0 and 1 in rows of 512: `llama-quantize` makes a
 * TQ1_0 or TQ2_0 file of it that says it too. F16, about 4 MB.
 */
export function buildTernaryTestModel(model: SelfTestModel = selfTestSentence): Buffer {
  return build(model, ternaryLayout);
}

function build(model: SelfTestModel, layout: Layout): Buffer {
  const entries = metadata(model, vocabulary(model.pieces, layout), layout);
  const parts = tensors(model.pieces.length, layout);
  const infos: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    infos.push(
      Buffer.concat([text(part.name), u32(part.shape.length), ...part.shape.map(u64), u32(part.type.id), u64(offset)]),
    );
    offset += padded(part.data).length;
  }
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(parts.length),
    u64(entries.length),
    ...entries,
    ...infos,
  ]);
  return Buffer.concat([padded(head), ...parts.map((part) => padded(part.data))]);
}

/** `node build/self-test-model.ts OUT.gguf [sentence|tool-call]`: writes the file, complete or not at all. */
function run(outPath: string | undefined, which = 'sentence'): void {
  if (outPath === undefined || (which !== 'sentence' && which !== 'tool-call')) {
    process.stderr.write('usage: node build/self-test-model.ts OUT.gguf [sentence|tool-call]\n');
    process.exitCode = 2;
    return;
  }
  const target = path.resolve(outPath);
  mkdirSync(path.dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}.tmp`;
  writeFileSync(unfinished, buildSelfTestModel(which === 'sentence' ? selfTestSentence : selfTestToolCall));
  renameSync(unfinished, target);
}

if (import.meta.main) run(process.argv[2], process.argv[3]);
