import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerDialectNamed } from '../../../../electron/agent/gateway/dialects/dialects.ts';
import type { Outgoing } from '../../../../electron/agent/gateway/dispatch/outgoing.ts';
import { Worst } from '../../../../electron/agent/gateway/dispatch/worst-case.ts';
import { encodeFor } from '../../../../electron/agent/gateway/dispatch/encoding.ts';
import type { ServedModel, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';

const price = { inputUsd: 4, outputUsd: 20, cachedInputUsd: 0.4 };
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function model(change: Partial<ServedModel> = {}): ServedModel {
  const capabilities = ['chat', 'tools', 'vision', 'json'] as const;
  return {
    id: 'big',
    contextLength: 200_000,
    capabilities,
    sizeBytes: 0,
    loaded: true,
    createdAtS: 0,
    price,
    ...change,
  };
}

function provider(served: ServedModel, change: Partial<UpstreamDescription> = {}): UpstreamDescription {
  return {
    id: 'cloud',
    route: 'cloud',
    dialects: ['openai'],
    operations: ['chat', 'completion', 'embedding'],
    ready: true,
    sentence: '',
    models: [served],
    defaultModel: null,
    slots: 4,
    ...change,
  };
}

function outgoing(fields: object, dialect: 'openai' | 'anthropic' = 'openai'): Outgoing {
  const path = dialect === 'openai' ? '/v1/chat/completions' : '/v1/messages';
  const decoded = callerDialectNamed[dialect].surfaces[path]?.decode(
    Buffer.from(JSON.stringify({ model: 'big', ...fields })),
  );
  if (!decoded) throw new Error('no such surface');
  const { query } = decoded;
  return { decoded, query, localQuery: query, hasPersona: false, rawHeaders: [], maxOutputTokens: 8_192 };
}

function worst(fields: object, served = model(), upstream: Partial<UpstreamDescription> = {}) {
  return new Worst(outgoing(fields)).of(provider(served, upstream), served);
}

function hello(content: unknown = 'Hello'): { messages: object[] } {
  return { messages: [{ role: 'user', content }] };
}

function sentTo(asked: Outgoing, upstream: UpstreamDescription, served: ServedModel): Record<string, unknown> {
  const place = { upstream, model: served, reason: 'cloud-requested', sentence: '' } as const;
  const estimate = { waitMs: 0, loadMs: 0, prefillMs: 0, ttftMs: 0, serviceMs: 0, promptTokens: 0 };
  const none = { cachedTokens: 0, lostCacheTokens: 0, worstUsd: 0 };
  const { body } = encodeFor(asked, { ...place, estimate: { ...estimate, ...none } });
  return JSON.parse(body.toString('utf8')) as Record<string, unknown>;
}

describe('Worst', () => {
  it('costs nothing where nothing is asked for it', () => {
    const { id, contextLength, capabilities, sizeBytes, loaded, createdAtS } = model();
    expect(worst(hello(), { id, contextLength, capabilities, sizeBytes, loaded, createdAtS })).toMatchObject({
      usd: 0,
      tokens: 0,
    });
  });

  it('has room for the sentences that a provider puts before a prompt when it is asked to', () => {
    const tokens = (fields: object) =>
      worst({ ...hello(), max_tokens: 5, ...fields }, model(), { takesReceived: true }).tokens;
    const plain = tokens({});
    expect(tokens({ safe_prompt: true }) - plain).toBeGreaterThan(500);
    expect(tokens({ safe_prompt: true, prompt_mode: 'reasoning' }) - plain).toBeGreaterThan(1_000);
    expect(tokens({ safe_prompt: false, prompt_mode: null }) - plain).toBeLessThan(100);
  });

  it('takes each byte of the prompt for a token, in UTF-8, and never fewer than the text has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const { tokens } = worst({ ...hello(text), max_tokens: 1 });
        expect(tokens).toBeGreaterThan(Buffer.byteLength(text, 'utf8'));
      }),
    );
    const grown = worst(hello('ö'.repeat(1_000))).tokens - worst(hello('o'.repeat(1_000))).tokens;
    expect(grown).toBe(1_000);
  });

  it('counts tools, schemas and what a provider says around them', () => {
    const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
    const more = worst({ ...hello(), tools: [tool] }).tokens - worst(hello()).tokens;
    expect(more).toBeGreaterThan(1_024);
  });

  it('prices the prompt at the dearest it may be billed at', () => {
    const { usd, tokens } = worst({ ...hello(), max_tokens: 100 });
    expect(usd).toBeCloseTo(((tokens - 100) * 4 + 100 * 20) / 1e6, 12);
    const writing = worst({ ...hello(), max_tokens: 100 }, model({ price: { ...price, cacheWriteUsd: 5 } }));
    expect(writing.usd).toBeCloseTo(((tokens - 100) * 5 + 100 * 20) / 1e6, 12);
  });

  it('prices a cache that is kept for an hour as such', () => {
    const served = model({ price: { ...price, cacheWriteUsd: 5, hourCacheWriteUsd: 8 } });
    const upstream = provider(served, { dialects: ['anthropic'], takesReceived: true });
    const block = (ttl: string): object => ({ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral', ttl } });
    const of = (ttl: string) =>
      new Worst(outgoing({ ...hello([block(ttl)]), max_tokens: 100 }, 'anthropic')).of(upstream, served);
    expect(of('5m').usd).toBeCloseTo(((of('5m').tokens - 100) * 5 + 100 * 20) / 1e6, 12);
    expect(of('1h').usd).toBeCloseTo(((of('1h').tokens - 100) * 8 + 100 * 20) / 1e6, 12);
    // Words of a prompt are no wish, however they look.
    const said = worst({ ...hello('{"ttl":"1h"} or "1h"'), max_tokens: 100 }, served);
    expect(said.usd).toBeCloseTo(((said.tokens - 100) * 5 + 100 * 20) / 1e6, 12);
  });

  it('prices all of a long prompt at the rates of long prompts', () => {
    const longPrompt = { aboveTokens: 100_000, inputUsd: 8, outputUsd: 30, cachedInputUsd: null };
    const served = model({ price: { ...price, longPrompt } });
    const of = (characters: number) => worst({ ...hello('x'.repeat(characters)), max_tokens: 100 }, served);
    const long = of(110_000);
    expect(long.usd).toBeCloseTo(((long.tokens - 100) * 8 + 100 * 30) / 1e6, 12);
    const short = of(90_000);
    expect(short.usd).toBeCloseTo(((short.tokens - 100) * 4 + 100 * 20) / 1e6, 12);
  });

  it('tells what it is made of, so that another price can be put to it', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel.toString('base64')}` } };
    const { most, tokens } = worst({ ...hello([image, image]), max_tokens: 100 });
    expect(most).toEqual({ promptTokens: tokens - 100, answerTokens: 100, images: 2, keepsAnHour: false });
  });

  it('counts an image by what it may take, and not its base64', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel.toString('base64')}` } };
    const one = worst(hello([image, { type: 'text', text: 'Hi' }])).tokens;
    const none = worst(hello([{ type: 'text', text: 'Hi' }])).tokens;
    expect(one - none).toBeGreaterThanOrEqual(50_000);
    expect(one - none).toBeLessThan(50_200);
    // Text that only looks like an image is text.
    const text = `data:image/png;base64,${'A'.repeat(10_000)}`;
    expect(worst(hello(text)).tokens).toBeGreaterThan(10_000);
    const priced = worst(hello([image]), model({ price: { ...price, imageUsd: 1 } }));
    expect(priced.usd - worst(hello([image])).usd).toBeCloseTo(1, 9);
  });

  it('bounds the answer by the caller, else the model, else the settings, and sends that along', () => {
    const answerOf = (fields: object, served: ServedModel, upstream: Partial<UpstreamDescription> = {}): number => {
      const asked = outgoing({ ...hello(), ...fields });
      const at = provider(served, upstream);
      const less = new Worst(outgoing({ ...hello(), ...fields, max_tokens: 1 })).of(at, served).tokens;
      const field = 'max_tokens' in fields ? 0 : Buffer.byteLength(',"max_tokens":1');
      return new Worst(asked).of(at, served).tokens - less + 1 + (at.takesReceived === true ? field : 3);
    };
    const small = model({ maxOutputTokens: 500 });
    expect(answerOf({}, model())).toBeGreaterThanOrEqual(8_192);
    expect(sentTo(outgoing(hello()), provider(model()), model())['max_completion_tokens']).toBe(8_192);
    expect(sentTo(outgoing(hello()), provider(small), small)['max_completion_tokens']).toBe(500);
    const received = { takesReceived: true };
    // The model's own limit holds without being told.
    expect(sentTo(outgoing(hello()), provider(small, received), small)).not.toHaveProperty('max_completion_tokens');
    expect(answerOf({}, small, received)).toBeGreaterThanOrEqual(500);
    // Where nobody knows one, ours goes along.
    expect(sentTo(outgoing(hello()), provider(model(), received), model())['max_completion_tokens']).toBe(8_192);
    const asked = outgoing({ ...hello(), max_tokens: 77 });
    expect(sentTo(asked, provider(model(), received), model())['max_tokens']).toBe(77);
  });

  it('reckons with the greater of two limits that go out as they came: providers differ in which they know', () => {
    const at = provider(model(), { takesReceived: true });
    const tokensOf = (older: number, newer: number): number =>
      new Worst(outgoing({ ...hello(), max_tokens: older, max_completion_tokens: newer })).of(at, model()).tokens;
    expect(tokensOf(9_000, 1_000)).toBe(tokensOf(1_000, 9_000));
    expect(tokensOf(9_000, 1_000)).toBe(tokensOf(1_000, 1_000) + 8_000);
  });

  it('counts what a caller predicts as an answer too', () => {
    const received = { takesReceived: true };
    const prediction = { type: 'content', content: 'x'.repeat(1_000) };
    const more = worst({ ...hello(), prediction }, model(), received).tokens - worst(hello(), model(), received).tokens;
    expect(more).toBeGreaterThan(2_000);
  });
});
