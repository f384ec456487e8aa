import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../../electron/agent/gateway/dialects/json.ts';
import { answer, end, finish, scripted, start, text, usage } from './writing.ts';

describe('CompletionWriter', () => {
  const asked = { model: 'm', prompt: 'x' };
  const entry = (token: string): JsonObject => ({
    token,
    logprob: -1,
    bytes: [],
    top_logprobs: [{ token: 'z', logprob: -2, bytes: [] }],
  });
  const older = (tokens: string[], offset: number): object => ({
    tokens,
    token_logprobs: tokens.map(() => -1),
    top_logprobs: tokens.map(() => ({ z: -2 })),
    text_offset: tokens.map((_token, index) => offset + index * 2),
  });

  it('streams pieces, with the usage only where it was asked for', async () => {
    const script = [start, text('Hel'), text('lo'), finish('length'), usage, end];
    for (const include of [false, true]) {
      const { client, last } = scripted({ events: script });
      const told: unknown[] = [];
      const options = include ? { stream_options: { include_usage: true } } : {};
      for await (const chunk of await client.completions.create({ ...asked, ...options, stream: true }))
        told.push(chunk);
      const common = { id: 'cmpl-abc', object: 'text_completion', created: 1_700_000_000, model: 'm' };
      expect(told.slice(0, 3)).toMatchObject([
        { ...common, choices: [{ index: 0, text: 'Hel', finish_reason: null }] },
        { choices: [{ text: 'lo' }] },
        { choices: [{ text: '', finish_reason: 'length' }] },
      ]);
      expect(told).toHaveLength(include ? 4 : 3);
      expect(last().includes('usage')).toBe(include);
      expect(last().endsWith('data: [DONE]\n\n')).toBe(true);
    }
  });

  it('writes probabilities in the older form, whose offsets go on from piece to piece', async () => {
    const { client } = scripted({
      events: [
        { kind: 'text', text: 'abcd', logprobs: [entry('ab'), entry('cd')] },
        { kind: 'text', text: 'ef', logprobs: [entry('ef')] },
        finish('stop'),
        end,
      ],
    });
    const told: unknown[] = [];
    for await (const chunk of await client.completions.create({ ...asked, stream: true }))
      told.push(chunk.choices[0]?.logprobs);
    expect(told).toEqual([older(['ab', 'cd'], 0), older(['ef'], 4), null]);
  });

  it('writes whole answers', async () => {
    const { client } = scripted({ answer });
    expect(await client.completions.create(asked)).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'Hello', finish_reason: 'stop', logprobs: null }],
      usage: { total_tokens: 7 },
    });
  });
});

describe('EmbeddingWriter', () => {
  const embeddings = {
    model: 'um',
    vectors: [
      [3, 4, 12],
      [0, 0, 1],
    ],
    promptTokens: 4,
  };

  it.each(['float', 'base64'] as const)('writes vectors as %s', async (format) => {
    const { client, last } = scripted({ embeddings });
    const told = await client.embeddings.create({ model: 'm', input: ['a', 'b'], encoding_format: format });
    expect(told).toMatchObject({ object: 'list', model: 'm', usage: { prompt_tokens: 4, total_tokens: 4 } });
    expect(told.data.map(({ index }) => index)).toEqual([0, 1]);
    const [first] = told.data;
    if (format === 'float') expect(first?.embedding).toEqual([3, 4, 12]);
    else expect(last()).toContain(Buffer.from(Float32Array.from([3, 4, 12]).buffer).toString('base64'));
  });

  it('is understood by the client, which asks for base64 unless told otherwise', async () => {
    const { client } = scripted({ embeddings });
    const told = await client.embeddings.create({ model: 'm', input: 'a' });
    expect([...(told.data[0]?.embedding ?? [])]).toEqual([3, 4, 12]);
  });

  it('cuts vectors and brings them back to length one, for upstreams that did not', async () => {
    const { client } = scripted({ embeddings });
    const told = await client.embeddings.create({ model: 'm', input: 'a', dimensions: 2, encoding_format: 'float' });
    expect(told.data.map(({ embedding }) => embedding)).toEqual([
      [0.6, 0.8],
      [0, 0],
    ]);
  });
});
