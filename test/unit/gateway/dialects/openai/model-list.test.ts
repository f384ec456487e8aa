import { describe, expect, it } from 'vitest';
import { openAi } from '../../../../../electron/agent/gateway/dialects/openai/openai-dialect.ts';
import type { ServedModel, UpstreamDescription } from '../../../../../electron/agent/inference/upstream.ts';
import { infoOf } from '../info-of.ts';
import { refusal } from './decoding.ts';

const model: ServedModel = {
  id: 'gemma',
  contextLength: 8192,
  capabilities: ['chat', 'tools'],
  sizeBytes: 1000,
  loaded: true,
  createdAtS: 1_700_000_000.9,
  details: {
    architecture: 'gemma3',
    quantization: 'Q4_K_M',
    parameterCount: 268_000_000,
    sha256: null,
    trainedContextLength: 32_768,
    blockCount: null,
    embeddingLength: 640,
    headCount: null,
    headCountKv: null,
    hasTemplate: true,
    thinks: false,
  },
};
const upstream: UpstreamDescription = {
  id: 'llama-server',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: '',
  models: [model],
  defaultModel: 'gemma',
  slots: 1,
};
const request = infoOf(
  [
    upstream,
    {
      ...upstream,
      id: 'second',
      models: [
        { ...model, contextLength: 1 },
        { ...model, id: 'x/y', contextLength: null },
      ],
    },
    { ...upstream, id: 'down', ready: false, models: [{ ...model, id: 'gone' }] },
  ],
  { names: { helper: { model: 'gone', systemMode: 'before' } }, nowMs: 1_800_000_000_500 },
);

describe('GET /v1/models', () => {
  it('tells what ready upstreams serve, then the names offered, with what callers choose by', () => {
    expect(openAi.info['/v1/models']?.answer(request)).toEqual({
      object: 'list',
      data: [
        {
          id: 'gemma',
          object: 'model',
          created: 1_700_000_000,
          owned_by: 'llama-server',
          route: 'local',
          context_length: 8192,
          capabilities: ['chat', 'tools'],
          meta: {
            architecture: 'gemma3',
            quantization: 'Q4_K_M',
            n_params: 268_000_000,
            n_ctx: 8192,
            n_ctx_train: 32_768,
            n_embd: 640,
            size: 1000,
            reasoning: false,
            loaded: true,
          },
        },
        expect.objectContaining({ id: 'gemma@llama-server', owned_by: 'llama-server', context_length: 8192 }),
        expect.objectContaining({ id: 'gemma@second', owned_by: 'second', context_length: 1 }),
        expect.objectContaining({ id: 'x/y', owned_by: 'second' }),
        expect.objectContaining({
          id: 'ranch/auto',
          created: 1_700_000_000,
          owned_by: 'ranch-hand',
          description: expect.stringContaining('Answered here') as string,
          stands_for: 'gemma',
          context_length: 8192,
        }),
        ...['ranch/local', 'ranch/routine', 'ranch/quality'].map(
          (id) => expect.objectContaining({ id, stands_for: 'gemma' }) as object,
        ),
        {
          id: 'helper',
          object: 'model',
          created: 1_800_000_000,
          owned_by: 'ranch-hand',
          description: 'A persona of gone.',
          stands_for: 'gone',
        },
      ],
    });
  });
});

describe('GET /v1/models/:id', () => {
  const one = openAi.info['/v1/models/'];

  it.each(['gemma', 'gemma:latest', 'gemma@second', 'second/gemma', 'x/y@second', 'x/y', 'ranch/auto', 'helper'])(
    'tells of %s',
    (id) => {
      expect(one?.answer({ ...request, id })).toMatchObject({ id, object: 'model' });
    },
  );

  it.each(['gone', 'other', '../../x', '__proto__', ''])('B41 %j is not there', (id) => {
    expect(refusal(() => one?.answer({ ...request, id }))).toMatchObject({ code: 'model_not_found', param: 'model' });
  });
});
