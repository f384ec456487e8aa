import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capabilitiesOf } from '../../../electron/agent/models/capabilities.ts';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import type { ModelShape } from '../../../electron/agent/models/model-shape.ts';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { entry, ggufFile, u32List, type TensorDraft } from './gguf-file.ts';

const f16 = 1;
type Numbers = Record<string, number | readonly number[]>;

function entriesOf(architecture: string, numbers: Numbers, more: readonly Buffer[] = []): Buffer[] {
  return [
    entry.string('general.architecture', architecture),
    ...Object.entries(numbers).map(([key, value]) =>
      typeof value === 'number' ? entry.u32(`${architecture}.${key}`, value) : u32List(`${architecture}.${key}`, value),
    ),
    ...more,
  ];
}

/** Tensors in F16, one after another, and the bytes they take. */
function stored(tensors: readonly (readonly [string, ...number[]])[]): { tensors: TensorDraft[]; dataBytes: number } {
  let offset = 0;
  const drafts = tensors.map(([name, ...shape]): TensorDraft => {
    const draft = { name, shape, type: f16, offset };
    offset += 2 * shape.reduce((product, length) => product * length, 1);
    return draft;
  });
  return { tensors: drafts, dataBytes: offset };
}

async function headerOf(
  architecture: string,
  numbers: Numbers,
  more: readonly Buffer[] = [],
  tensors = stored([['w', 8]]),
) {
  const file = join(tempFolder(), 'model.gguf');
  writeFileSync(file, ggufFile({ entries: entriesOf(architecture, numbers, more), ...tensors }));
  return readGgufHeader(file);
}

async function shapeOf(...given: Parameters<typeof headerOf>): Promise<ModelShape> {
  const { shape } = await headerOf(...given);
  if (shape === null) throw new Error('no shape');
  return shape;
}

const usual = {
  block_count: 4,
  embedding_length: 64,
  feed_forward_length: 128,
  context_length: 4_096,
  'attention.head_count': 8,
  'attention.head_count_kv': 2,
};
const windows = (shape: ModelShape): (number | null)[] => shape.layers.map(({ window }) => window);
const kvHeads = (shape: ModelShape): number[] => shape.layers.map((layer) => layer.kvHeads);

describe('the shape in a header', () => {
  it('has every layer, and what the vocabulary and the tables are', async () => {
    const tensors = stored([
      ['token_embd.weight', 64, 100],
      ['output.weight', 64, 100],
      ['blk.0.attn_q.weight', 64, 64],
    ]);
    const shape = await shapeOf('llama', usual, [entry.strings('tokenizer.ggml.tokens', ['a', 'b', 'c'])], tensors);
    expect(shape).toMatchObject({
      architecture: 'llama',
      parameters: 2 * 6_400 + 4_096,
      activeParameters: 4_096,
      embeddingLength: 64,
      feedForwardLength: 128,
      headCount: 8,
      vocabularySize: 3,
      contextLength: 4_096,
    });
    expect(shape.layers).toEqual(
      Array.from({ length: 4 }, () => ({ kvHeads: 2, keyLength: 8, valueLength: 8, window: null, stateBytes: 0 })),
    );
    // One row of the input table is read for a token, the output head in full.
    expect(shape.activeShare).toBeCloseTo((6_400 + 4_096) / (2 * 6_400 + 4_096), 6);
  });

  it('a table that is the output head too is read in full', async () => {
    const tensors = stored([
      ['token_embd.weight', 64, 100],
      ['blk.0.attn_q.weight', 64, 64],
    ]);
    const shape = await shapeOf('llama', usual, [], tensors);
    expect(shape).toMatchObject({ activeShare: 1, activeParameters: 4_096, vocabularySize: 100 });
  });

  it('of experts only those in use count', async () => {
    const tensors = stored([
      ['blk.0.ffn_up_exps.weight', 64, 16, 8],
      ['blk.0.attn_q.weight', 64, 64],
    ]);
    const experts = { expert_count: 8, expert_used_count: 2, expert_feed_forward_length: 16 };
    const shape = await shapeOf('qwen3moe', { ...usual, ...experts }, [], tensors);
    expect(shape).toMatchObject({ expertsUsed: 2, feedForwardLength: 32, activeParameters: 4_096 + 2_048 });
    expect(shape.activeShare).toBeCloseTo((4_096 + 2_048) / (4_096 + 8_192), 6);
  });

  it.each([
    ['gemma3: the sixth layer sees everything', 'gemma3', { block_count: 7 }, [512, 512, 512, 512, 512, null, 512]],
    ['gpt-oss: every second', 'gpt-oss', { block_count: 3 }, [512, null, 512]],
    ['smallthinker: the first of four', 'smallthinker', { block_count: 5 }, [null, 512, 512, 512, null]],
    [
      'a pattern that the file names',
      'gemma3',
      { block_count: 4, 'attention.sliding_window_pattern': 2 },
      [512, null, 512, null],
    ],
    [
      'a list that the file has',
      'gemma4',
      { block_count: 3, 'attention.sliding_window_pattern': [0, 1, 1] },
      [null, 512, 512],
    ],
    ['llama, which has none whatever the file says', 'llama', { block_count: 2 }, [null, null]],
  ] as [string, string, Numbers, (number | null)[]][])('windows of %s', async (_, architecture, numbers, expected) => {
    const shape = await shapeOf(architecture, { ...usual, 'attention.sliding_window': 512, ...numbers });
    expect(windows(shape)).toEqual(expected);
  });

  it('layers may differ in heads, and have lengths of their own where they have a window', async () => {
    const shape = await shapeOf('gemma4', {
      ...usual,
      'attention.head_count_kv': [1, 2, 3, 4],
      'attention.key_length': 32,
      'attention.value_length': 32,
      'attention.key_length_swa': 16,
      'attention.value_length_swa': 16,
      'attention.sliding_window': 256,
      'attention.sliding_window_pattern': [1, 0, 1, 0],
      'attention.shared_kv_layers': 1,
    });
    expect(kvHeads(shape)).toEqual([1, 2, 3, 0]);
    expect(shape.layers.map(({ keyLength }) => keyLength)).toEqual([16, 32, 16, 0]);
  });

  it('qwen3next: three of four layers keep a state and no keys', async () => {
    const shape = await shapeOf('qwen3next', {
      ...usual,
      'ssm.conv_kernel': 4,
      'ssm.inner_size': 4_096,
      'ssm.state_size': 128,
      'ssm.group_count': 16,
    });
    expect(kvHeads(shape)).toEqual([0, 0, 0, 2]);
    const state = 4 * (128 * 4_096 + 3 * (4_096 + 2 * 16 * 128));
    expect(shape.layers.map(({ stateBytes }) => stateBytes)).toEqual([state, state, state, 0]);
  });

  it('falcon-h1 has both in each layer, mamba no keys at all, a jamba layer without heads a state', async () => {
    const ssm = { 'ssm.conv_kernel': 4, 'ssm.inner_size': 128, 'ssm.state_size': 16, 'ssm.group_count': 1 };
    const falcon = await shapeOf('falcon-h1', { ...usual, ...ssm });
    expect(falcon.layers.every((layer) => layer.kvHeads === 2 && layer.stateBytes > 0)).toBe(true);
    const mamba = await shapeOf('mamba', { block_count: 2, embedding_length: 64, ...ssm });
    expect(mamba.layers.every((layer) => layer.kvHeads === 0 && layer.stateBytes > 0)).toBe(true);
    const jamba = await shapeOf('jamba', { ...usual, ...ssm, 'attention.head_count_kv': [0, 2, 0, 0] });
    expect(jamba.layers.map(({ stateBytes }) => stateBytes > 0)).toEqual([true, false, true, true]);
  });

  it('compressed attention keeps one row for keys and values', async () => {
    const shape = await shapeOf('deepseek2', {
      ...usual,
      'attention.head_count_kv': 1,
      'attention.key_length': 576,
      'attention.value_length': 512,
      'attention.key_length_mla': 192,
    });
    expect(shape.layers[0]).toMatchObject({ kvHeads: 1, keyLength: 576, valueLength: 0 });
  });

  it.each([
    ['no layers', { embedding_length: 64 }],
    ['more layers than a model has', { ...usual, block_count: 2_000_000_000 }],
    ['no heads', { block_count: 2, embedding_length: 64 }],
    ['no width', { block_count: 2, 'attention.head_count': 4 }],
  ])('is left open where a file tells too little: %s', async (_, numbers) => {
    expect((await headerOf('llama', numbers)).shape).toBeNull();
  });

  it('of the self-test model', async () => {
    const file = join(tempFolder(), 'model.gguf');
    writeFileSync(file, buildSelfTestModel());
    expect((await readGgufHeader(file)).shape).toMatchObject({
      vocabularySize: 288,
      embeddingLength: 288,
      headCount: 9,
    });
  });
});

describe('what a model is for', () => {
  const caps = async (architecture: string, numbers: Numbers, more: readonly Buffer[] = []) => {
    const { use, tensorTypes } = await headerOf(architecture, numbers, more);
    return capabilitiesOf(use, tensorTypes);
  };

  it('answers and embeds, whether or not there is a template', async () => {
    expect(await caps('llama', usual)).toEqual(['chat', 'completion', 'embedding', 'json']);
  });

  it('knows tools where its template does', async () => {
    const template = entry.string('tokenizer.chat_template', '{% if tools %}…{% endif %}');
    expect(await caps('llama', usual, [template])).toContain('tools');
    const second = entry.string('tokenizer.chat_template.tool_use', '…');
    expect(await caps('llama', usual, [second])).toContain('tools');
    expect(await caps('llama', usual, [entry.string('tokenizer.chat_template', 'toolshed')])).not.toContain('tools');
    const { use } = await headerOf('llama', usual, [template]);
    expect(use.chatTemplate).toContain('tools');
  });

  it('only embeds where it was made for that, and does nothing that callers ask where it ranks', async () => {
    expect(await caps('bert', usual)).toEqual(['embedding']);
    expect(await caps('qwen3', { ...usual, pooling_type: 3 })).toEqual(['embedding']);
    expect(await caps('qwen3', { ...usual, pooling_type: 4 })).toEqual([]);
    expect(await caps('llama', { ...usual, pooling_type: 0 })).toContain('chat');
  });

  it('embeds nothing with ternary weights', () => {
    const use = { chatTemplate: null, tools: false, use: 'answers' as const };
    expect(capabilitiesOf(use, new Map([[36, 1]]))).toEqual(['chat', 'completion', 'json']);
  });

  it('B63 a template or vocabulary beyond measure is passed over, and nothing of it is kept', async () => {
    const { use, shape } = await headerOf('llama', usual, [
      entry.string('tokenizer.chat_template', 'x'.repeat(300 * 1024)),
      entry.strings('tokenizer.ggml.tokens', ['', '\u0000', '\ud83d', '<|im_start|>', 'a'.repeat(100_000)]),
      entry.raw(
        'tokenizer.ggml.scores',
        9,
        Buffer.concat([Buffer.from([6, 0, 0, 0]), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(4, 0xff)]),
      ),
    ]);
    expect(use).toMatchObject({ chatTemplate: '', tools: false });
    expect(shape?.vocabularySize).toBe(5);
  });
});

describe('what is no model by itself', () => {
  it.each([
    ['a picture part', 'clip', [], 'sees pictures'],
    ['an adapter', 'llama', [entry.string('general.type', 'adapter')], 'adapter'],
    ['an importance matrix', 'llama', [entry.string('general.type', 'imatrix')], 'importance matrix'],
  ] as [string, string, Buffer[], string][])('%s says so', async (_, architecture, more, sentence) => {
    await expect(headerOf(architecture, usual, more)).rejects.toThrow(sentence);
  });
});
