import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultAmong,
  digestOf,
  knownModels,
  modelsOfList,
  modelsOfTags,
} from '../../../electron/agent/upstreams/model-lists.ts';
import type { ServerSettings } from '../../../electron/agent/upstreams/server-settings.ts';

const settings: ServerSettings = { id: 's', url: 'http://127.0.0.1:1', dialect: 'openai', enabled: true, slots: 4 };

describe('a list of the OpenAI and Anthropic dialects', () => {
  it('is read as vLLM, OpenRouter, Mistral and Anthropic write it', () => {
    const listed = modelsOfList({
      data: [
        { id: 'vllm', created: 5, max_model_len: 8192 },
        {
          id: 'open/router',
          context_length: 32_000,
          supported_parameters: ['tools', 'logprobs'],
          architecture: { input_modalities: ['text', 'image'] },
        },
        {
          id: 'mistral',
          max_context_length: 100,
          capabilities: { completion_chat: true, function_calling: true, vision: false },
        },
        { id: 'claude', created_at: '1970-01-01T00:00:07Z' },
      ],
    });
    expect(listed).toMatchObject([
      { id: 'vllm', contextLength: 8192, capabilities: null, createdAtS: 5 },
      { id: 'open/router', contextLength: 32_000, capabilities: ['chat', 'completion', 'tools', 'logprobs', 'vision'] },
      { id: 'mistral', contextLength: 100, capabilities: ['chat', 'completion', 'tools', 'json'] },
      { id: 'claude', createdAtS: 7 },
    ]);
  });

  it('of another node has no models that cost its owner money, and no second names of its own', () => {
    const listed = modelsOfList({
      data: [
        { id: 'qwen', owned_by: 'engine', route: 'local' },
        { id: 'qwen@engine', owned_by: 'engine', route: 'local' },
        { id: 'openai/gpt', owned_by: 'openai', route: 'cloud' },
        { id: 'strange@vllm', owned_by: 'vllm' },
      ],
    });
    expect(listed?.map(({ id }) => id)).toEqual(['qwen', 'strange@vllm']);
  });

  it('B71 leaves out names that are no plain text, and holds no more than a thousand', () => {
    const names = ['good', 'two words', 'esc\u001b[31m', 'rtl\u202e', '', 5, null, 'x'.repeat(501)];
    expect(modelsOfList({ data: names.map((id) => ({ id })) })?.map(({ id }) => id)).toEqual(['good']);
    expect(modelsOfList({ data: Array.from({ length: 2_000 }, (_, at) => ({ id: `m${at}` })) })).toHaveLength(1_000);
  });

  it('B53 what is no list is none, and nothing makes reading it fail', () => {
    for (const json of [undefined, null, [], 'x', { data: 5 }, { object: 'list' }])
      expect(modelsOfList(json)).toBeNull();
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        modelsOfList({ data: [one, other] });
        modelsOfTags({ models: [one] }, { models: [other] }, new Map());
      }),
    );
  });
});

describe('a list of Ollama', () => {
  const row = {
    name: 'tiny:latest',
    size: 9,
    digest: 'b'.repeat(64),
    modified_at: '1970-01-01T00:00:03Z',
    details: { family: 'llama', quantization_level: 'Q8_0' },
  };
  const show = {
    capabilities: ['completion', 'tools', 'thinking'],
    template: 't',
    model_info: {
      'general.architecture': 'llama',
      'general.parameter_count': 8,
      'llama.context_length': 131_072,
      'llama.block_count': 2,
    },
  };

  it('gives both names of a model, what it can do, and the window that holds', () => {
    const shows = new Map([[digestOf(row), show]]);
    const models = modelsOfTags({ models: [row] }, { models: [{ name: 'tiny:latest', context_length: 4096 }] }, shows);
    expect(models?.map(({ id }) => id)).toEqual(['tiny', 'tiny:latest']);
    expect(models?.[0]).toEqual({
      id: 'tiny',
      contextLength: 4096,
      capabilities: ['chat', 'completion', 'json', 'logprobs', 'tools'],
      sizeBytes: 9,
      loaded: true,
      createdAtS: 3,
      details: {
        architecture: 'llama',
        quantization: 'Q8_0',
        parameterCount: 8,
        sha256: 'b'.repeat(64),
        trainedContextLength: 131_072,
        blockCount: 2,
        embeddingLength: null,
        headCount: null,
        headCountKv: null,
        hasTemplate: true,
        thinks: true,
      },
    });
    expect(modelsOfTags({ models: [row] }, undefined, new Map())?.[0]).toMatchObject({
      loaded: false,
      contextLength: null,
      capabilities: null,
      details: { thinks: null },
    });
  });
});

describe('what is served', () => {
  const listed = modelsOfList({ data: [{ id: 'a', max_model_len: 10 }, { id: 'text-embedding-3' }] }) ?? [];

  it('assumes what a server does not tell, and says so', () => {
    const { models, assumed } = knownModels(settings, listed);
    expect(assumed).toBe(true);
    expect(models.map(({ id, capabilities }) => [id, capabilities])).toEqual([
      ['a', ['chat', 'completion', 'tools', 'json']],
      ['text-embedding-3', ['embedding']],
    ]);
  });

  it('claims nothing that the server’s dialect has no words for', () => {
    const anthropic = { ...settings, dialect: 'anthropic' as const };
    expect(knownModels(anthropic, listed).models[0]?.capabilities).toEqual(['chat', 'tools', 'vision', 'json']);
    const told = { ...anthropic, models: [{ id: 'a', capabilities: ['chat', 'completion', 'embedding'] as const }] };
    expect(knownModels(told, []).models[0]?.capabilities).toEqual(['chat']);
  });

  it('is the operator’s list where there is one, with the price', () => {
    const price = { inputUsd: 1, outputUsd: 2, cachedInputUsd: null };
    const own = {
      ...settings,
      price,
      models: [
        { id: 'a', capabilities: ['chat'] as const },
        { id: 'z', capabilities: [] },
      ],
    };
    expect(knownModels(own, listed)).toMatchObject({
      assumed: false,
      models: [
        { id: 'a', contextLength: 10, capabilities: ['chat'], price },
        { id: 'z', contextLength: null, price },
      ],
    });
  });

  it('has a default only where it is clear which', () => {
    const model = (id: string, loaded = true) => ({ ...knownModels(settings, listed).models[0], id, loaded }) as never;
    expect(defaultAmong(settings, [model('a')])).toBe('a');
    expect(defaultAmong(settings, [model('a'), model('a:latest')])).toBe('a');
    expect(defaultAmong(settings, [model('a'), model('b')])).toBeNull();
    expect(defaultAmong(settings, [model('a', false), model('b')])).toBe('b');
    const own = { ...settings, models: [{ id: 'b', capabilities: ['chat'] as const }] };
    expect(defaultAmong(own, [model('b'), model('c')])).toBe('b');
    expect(defaultAmong(settings, [])).toBeNull();
  });
});
