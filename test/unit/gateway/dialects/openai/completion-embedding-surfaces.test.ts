import { describe, expect, it } from 'vitest';
import { decode } from './decoding.ts';

describe('POST /v1/completions', () => {
  it('reads a prompt', () => {
    const decoded = decode('/v1/completions', {
      prompt: 'Once',
      max_tokens: 5,
      logprobs: 2,
      stream: true,
      stop: ['x'],
    });
    expect(decoded.query).toEqual({
      operation: 'completion',
      prompt: 'Once',
      shape: { kind: 'text' },
      sampling: {},
      stop: ['x'],
      maxTokens: 5,
      logprobs: 2,
      keepAlive: null,
      usageInStream: false,
    });
    expect(decoded).toMatchObject({ stream: true, passes: true });
    expect([...decoded.needs]).toEqual([
      ['completion', 'prompt'],
      ['logprobs', 'logprobs'],
    ]);
  });
});

describe('POST /v1/embeddings', () => {
  it('reads one text and lists of them', () => {
    expect(decode('/v1/embeddings', { input: 'a' }).query).toEqual({
      operation: 'embedding',
      inputs: ['a'],
      dimensions: null,
      keepAlive: null,
    });
    expect(decode('/v1/embeddings', { input: ['a', 'b'], dimensions: 64 }).query).toMatchObject({
      inputs: ['a', 'b'],
      dimensions: 64,
    });
  });

  it("lets an upstream's bytes pass only where they are what was asked for", () => {
    expect(decode('/v1/embeddings', { encoding_format: 'float' }).passes).toBe(true);
    expect(decode('/v1/embeddings', { encoding_format: 'base64' }).passes).toBe(false);
    expect(decode('/v1/embeddings', { dimensions: 64 }).passes).toBe(false);
  });
});
