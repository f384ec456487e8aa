import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { ollamaDialect } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import type { InfoRequest } from '../../../../../electron/agent/gateway/dialects/surface.ts';
import { infoOf } from '../info-of.ts';
import type {
  ModelDetails,
  ServedModel,
  UpstreamDescription,
} from '../../../../../electron/agent/inference/upstream.ts';

const details: ModelDetails = {
  architecture: 'llama',
  quantization: 'Q4_K_M',
  parameterCount: 8_030_000_000,
  sha256: 'a'.repeat(64),
  trainedContextLength: 131_072,
  blockCount: 32,
  embeddingLength: 4096,
  headCount: 32,
  headCountKv: 8,
  hasTemplate: true,
  thinks: true,
};
const known: ServedModel = {
  id: 'known',
  contextLength: 8192,
  capabilities: ['chat', 'completion', 'tools', 'json', 'vision'],
  sizeBytes: 5_000,
  loaded: true,
  createdAtS: 1_767_225_600,
  details,
};
const plain: ServedModel = {
  id: 'plain',
  contextLength: null,
  capabilities: ['embedding'],
  sizeBytes: 0,
  loaded: false,
  createdAtS: 0,
};

function upstream(id: string, models: readonly ServedModel[], ready = true): UpstreamDescription {
  return {
    id,
    route: 'local',
    dialects: ['ollama'],
    operations: ['chat'],
    ready,
    sentence: '',
    models,
    defaultModel: null,
    slots: 1,
  };
}

function request(body: object | null): InfoRequest {
  const upstreams = [
    upstream('one', [known, { ...known, id: 'known:latest' }]),
    upstream('two', [plain, { ...known, contextLength: 1 }]),
    upstream('off', [{ ...plain, id: 'absent' }], false),
  ];
  return infoOf(upstreams, {
    names: { pirate: { model: 'absent', systemMode: 'before' }, wrong: 'nothing' },
    body: body && Buffer.from(JSON.stringify(body)),
  });
}

function ask(path: string, body: object | null = null): Record<string, unknown> {
  const answer = ollamaDialect.info[path]?.answer(request(body));
  if (typeof answer !== 'object') throw new Error('no object');
  return answer as Record<string, unknown>;
}

describe('GET /api/tags', () => {
  const models = ask('/api/tags')['models'] as Record<string, unknown>[];

  it('lists models of ready upstreams only, by engine too where two have one, and the names that lead to one', () => {
    expect(models.map(({ name }) => name)).toEqual([
      'known:latest',
      'known@one',
      'known@two',
      'plain',
      'ranch/auto',
      'ranch/local',
      'ranch/routine',
      'ranch/quality',
      'pirate',
    ]);
  });

  it('tells what is known, and nothing that is not', () => {
    expect(models[0]).toEqual({
      name: 'known:latest',
      model: 'known:latest',
      modified_at: '2026-01-01T00:00:00.000Z',
      size: 5_000,
      digest: 'a'.repeat(64),
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'llama',
        families: ['llama'],
        parameter_size: '8.0B',
        quantization_level: 'Q4_K_M',
      },
    });
    expect(models[3]).toMatchObject({
      details: { format: '', family: '', parameter_size: '', quantization_level: '' },
    });
  });

  it('gives every row a digest of its own, for callers take equal ones for one model', () => {
    expect(new Set(models.map(({ digest }) => digest)).size).toBe(models.length);
    for (const { digest } of models) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('GET /api/ps', () => {
  it('lists what is in memory, each model once', () => {
    expect(ask('/api/ps')['models']).toMatchObject([
      { name: 'known:latest', size: 5_000, context_length: 8192 },
      { name: 'known@two', size: 5_000, context_length: 1 },
    ]);
  });
});

describe('POST /api/show', () => {
  it('takes model or name, with and without :latest, and names that stand for a model', () => {
    for (const body of [
      { model: 'known' },
      { name: 'known:latest' },
      { model: '', name: 'known' },
      { model: 'ranch/auto' },
      { model: 'known@two' },
      { model: 'one/known' },
    ]) {
      expect(ask('/api/show', body)['capabilities']).toEqual(['completion', 'tools', 'vision', 'thinking']);
    }
    expect(ask('/api/show', { model: 'pirate' })['capabilities']).toEqual([]);
  });

  it('tells the context that requests get, by the names of the model’s architecture', () => {
    expect(ask('/api/show', { model: 'known' })).toMatchObject({
      template: '',
      parameters: expect.stringMatching(/^num_ctx +8192$/) as string,
      model_info: {
        'general.architecture': 'llama',
        'general.parameter_count': 8_030_000_000,
        'llama.context_length': 8192,
        'llama.block_count': 32,
        'llama.embedding_length': 4096,
        'llama.attention.head_count': 32,
        'llama.attention.head_count_kv': 8,
      },
    });
    expect(ask('/api/show', { model: 'plain' })).toMatchObject({ model_info: {}, capabilities: ['embedding'] });
  });

  it('B41 a model that is not here is not found', () => {
    for (const model of ['nothing', 'absent', 'wrong', 'known@off', '../../x']) {
      expect(() => ask('/api/show', { model })).toThrow(AppError);
      try {
        ask('/api/show', { model });
      } catch (error) {
        expect(error).toMatchObject({ code: 'model_not_found' });
      }
    }
    expect(() => ask('/api/show', {})).toThrow(/must name a model/);
  });
});

describe('the small routes', () => {
  it('says what Ollama says', () => {
    expect(ollamaDialect.info['/']?.answer(request(null))).toBe('Ollama is running');
    expect(ollamaDialect.info['/']?.methods).toEqual(['GET', 'HEAD']);
  });

  it('tells a version that callers of Ollama can compare, and its own beside it', () => {
    expect(ask('/api/version')).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      ranch_hand: '1.2.3',
    });
  });
});
