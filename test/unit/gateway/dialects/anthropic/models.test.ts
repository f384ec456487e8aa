import { describe, expect, it } from 'vitest';
import { anthropic } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-dialect.ts';
import type { UpstreamDescription } from '../../../../../electron/agent/inference/upstream.ts';
import { infoOf } from '../info-of.ts';

const upstream: UpstreamDescription = {
  id: 'one',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: '',
  models: [
    {
      id: 'gemma',
      contextLength: 8192,
      capabilities: ['chat', 'vision', 'json'],
      sizeBytes: 1,
      loaded: true,
      createdAtS: 1_767_225_600,
    },
  ],
  defaultModel: 'gemma',
  slots: 1,
};

const request = infoOf([upstream, { ...upstream, id: 'three', ready: false, models: [] }]);

describe("models in the Anthropic dialect's list", () => {
  it('are there once, with what they can do, and the names beside them', () => {
    const list = anthropic.info['/v1/models']?.answer(request);
    expect(list).toMatchObject({
      data: [
        {
          type: 'model',
          id: 'gemma',
          display_name: 'gemma',
          created_at: '2026-01-01T00:00:00.000Z',
          max_input_tokens: 8192,
          capabilities: {
            image_input: { supported: true },
            structured_outputs: { supported: true },
            pdf_input: { supported: false },
            thinking: { supported: false },
          },
        },
        { id: 'ranch/auto', max_input_tokens: 8192 },
        { id: 'ranch/local' },
        { id: 'ranch/routine' },
        { id: 'ranch/quality' },
      ],
      has_more: false,
      first_id: 'gemma',
      last_id: 'ranch/quality',
    });
  });

  it('are empty without nulls in the wrong place', () => {
    expect(anthropic.info['/v1/models']?.answer({ ...request, models: () => [] })).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    });
  });

  it('know nothing of what a name stands for while no model is there', () => {
    const { data } = anthropic.info['/v1/models']?.answer(infoOf([])) as { data: object[] };
    expect(data[0]).toMatchObject({ id: 'ranch/auto', max_input_tokens: null, capabilities: null });
  });

  it('are found one by one, also under names with a slash', () => {
    const route = anthropic.info['/v1/models/'];
    expect(route?.answer({ ...request, id: 'ranch/auto' })).toMatchObject({ id: 'ranch/auto' });
    expect(() => route?.answer({ ...request, id: 'absent' })).toThrow('The model "absent" is not on this node.');
  });
});
