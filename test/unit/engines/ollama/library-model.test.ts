import { expect, it } from 'vitest';
import {
  capabilitiesOf,
  countIn,
  detailsOfLibrary,
  fullName,
  groupOfTag,
  libraryModel,
  shapeOf,
  shortName,
} from '../../../../electron/agent/engines/ollama/library-model.ts';
import { showSchema, tagsSchema, parseProgress } from '../../../../electron/agent/engines/ollama/ollama-wire.ts';

const details = { family: 'llama', parameter_size: '8.0B', quantization_level: 'Q4_K_M' };
const row = { name: 'llama3.1:8b', modified_at: '2026-01-02T03:04:05.678901234Z', size: 5_000, digest: 'd', details };

function show(info: Record<string, unknown>, tensors: unknown = null): ReturnType<typeof showSchema.parse> {
  return showSchema.parse({ capabilities: ['completion'], details, model_info: info, tensors });
}

const dense = {
  'general.architecture': 'qwen3',
  'general.parameter_count': 1_000,
  'qwen3.block_count': 3,
  'qwen3.context_length': 40_960,
  'qwen3.embedding_length': 4_096,
  'qwen3.attention.head_count': 32,
  'qwen3.attention.head_count_kv': 8,
};

it('takes a name with and without its plain tag', () => {
  expect([fullName('a'), fullName('a:8b'), fullName('host:80/a')]).toEqual(['a:latest', 'a:8b', 'host:80/a:latest']);
  expect([shortName('a:latest'), shortName('a:8b')]).toEqual(['a', 'a:8b']);
});

it.each([
  ['qwen3:8b-q4_K_M', 'qwen3:8b'],
  ['qwen3:8b', 'qwen3:8b'],
  ['hf.co/Org/Repo-GGUF:Q5_K_M', 'hf.co/org/repo-gguf'],
  ['tiny:latest', 'tiny'],
  ['tiny:fp16', 'tiny'],
])('groups %s under %s', (name, group) => {
  expect(groupOfTag(name)).toBe(group);
});

it('describes a model by the library alone until it has been asked', () => {
  expect(libraryModel(row, null)).toEqual({
    name: 'llama3.1:8b',
    family: 'llama',
    parameters: 8_000_000_000,
    quantization: 'Q4_K_M',
    sizeBytes: 5_000,
    contextLength: null,
    capabilities: ['chat', 'completion', 'json'],
    group: 'llama3.1:8b',
    modifiedMs: Date.parse('2026-01-02T03:04:05.678Z'),
    shape: null,
  });
});

it('reads the shape: lengths told or reckoned, one number for all layers or one for each', () => {
  expect(shapeOf(9, show(dense))).toEqual({
    architecture: 'qwen3',
    sizeBytes: 9,
    parameters: 1_000,
    activeShare: 1,
    layers: Array(3).fill({ kvHeads: 8, keyLength: 128, valueLength: 128, window: null, stateBytes: 0 }),
    embeddingLength: 4_096,
    vocabularySize: 0,
    contextLength: 40_960,
  });
  const mixed = {
    ...dense,
    'qwen3.attention.head_count_kv': [0, 4, 8],
    'qwen3.attention.key_length': 64,
    'qwen3.attention.sliding_window': 512,
    'qwen3.attention.sliding_window_pattern': [true, false, true],
    'qwen3.ssm.state_size': 16,
    'qwen3.ssm.inner_size': 10,
  };
  expect(shapeOf(9, show(mixed, [{ name: 'token_embd.weight', type: 'F16', shape: [4_096, 777] }]))).toMatchObject({
    vocabularySize: 777,
    layers: [
      { kvHeads: 0, keyLength: 64, window: 512, stateBytes: 640 },
      { kvHeads: 4, window: null, stateBytes: 0 },
      { kvHeads: 8, window: 512 },
    ],
  });
});

it('counts the experts that are read for a token', () => {
  const experts = { ...dense, 'qwen3.expert_count': 8, 'qwen3.expert_used_count': 2 };
  expect(shapeOf(9, show(experts))?.activeShare).toBeCloseTo(1 - 0.9 * 0.75);
  const tensors = [{ name: 'blk.0.ffn_up_exps.weight', type: 'Q4_K', shape: [10, 10, 8] }];
  expect(shapeOf(9, show(experts, tensors))?.activeShare).toBeCloseTo(1 - 0.8 * 0.75);
});

it.each([{}, { ...dense, 'qwen3.block_count': 1e9 }, { ...dense, 'general.parameter_count': 'many' }])(
  'tells no shape where the answer does not tell enough',
  (info) => {
    expect(shapeOf(9, show(info))).toBeNull();
  },
);

it('puts Ollama’s words for abilities into ours', () => {
  const told = (capabilities: string[]) => capabilitiesOf(showSchema.parse({ capabilities }), row);
  expect(told(['completion', 'tools', 'vision', 'insert', 'thinking'])).toEqual([
    'chat',
    'completion',
    'json',
    'tools',
    'vision',
  ]);
  expect(told(['embedding'])).toEqual(['embedding']);
  expect(capabilitiesOf(null, { details: { ...details, family: 'nomic-bert' } })).toEqual(['embedding']);
});

it('reads counts as people write them', () => {
  expect(['268.10M', '8.0B', '1T', '567', '', 'x'].map(countIn)).toEqual([268_100_000, 8e9, 1e12, 567, null, null]);
});

it('accepts answers with parts missing, and refuses those that are none', () => {
  expect(tagsSchema.parse({ models: null }).models).toBeNull();
  expect(tagsSchema.parse({ models: [{ name: 'a' }] }).models?.[0]).toMatchObject({ size: 0, details: { family: '' } });
  expect(tagsSchema.safeParse({ error: 'no' }).success).toBe(false);
});

it('finds an error in any line of a pull', () => {
  expect(parseProgress('{"error":"no space left on device"}')).toEqual({
    kind: 'error',
    message: 'no space left on device',
  });
  expect(parseProgress('{"status":"pulling","digest":"sha256:1","total":10}')).toEqual({
    kind: 'progress',
    progress: { status: 'pulling', digest: 'sha256:1', receivedBytes: 0, totalBytes: 10 },
  });
  expect(parseProgress('<html>')).toEqual({ kind: 'other' });
});

it('tells what callers choose by, as far as the library has told it', () => {
  const digest = `sha256:${'0f'.repeat(32)}`;
  const answer = showSchema.parse({
    capabilities: ['completion', 'thinking'],
    details,
    model_info: dense,
    template: '{{ .Prompt }}',
  });
  expect(detailsOfLibrary({ ...row, digest }, answer)).toEqual({
    architecture: 'qwen3',
    quantization: 'Q4_K_M',
    parameterCount: 1_000,
    sha256: '0f'.repeat(32),
    trainedContextLength: 40_960,
    blockCount: 3,
    embeddingLength: 4_096,
    headCount: 32,
    headCountKv: 8,
    hasTemplate: false,
    thinks: true,
  });
  expect(detailsOfLibrary(row, null)).toMatchObject({
    architecture: 'llama',
    parameterCount: 8_000_000_000,
    sha256: null,
    blockCount: null,
    hasTemplate: null,
    thinks: null,
  });
  const templated = showSchema.parse({ details, template: '{{ range .Messages }}x{{ end }}' });
  expect(detailsOfLibrary(row, templated).hasTemplate).toBe(true);
});
