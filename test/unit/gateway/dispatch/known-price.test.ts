import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../electron/agent/gateway/dialects/json.ts';
import { atKnownPrice } from '../../../../electron/agent/gateway/dispatch/known-price.ts';
import type { Operation } from '../../../../electron/agent/inference/request.ts';
import type { Billing, ServedModel, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';

const free: ServedModel = {
  id: 'm',
  contextLength: 4_096,
  capabilities: ['chat'],
  sizeBytes: 0,
  loaded: true,
  createdAtS: 0,
};
const priced = { ...free, price: { inputUsd: 0.25, outputUsd: 0.4, cachedInputUsd: null } };
const asked = { model: 'm', messages: [] };

function sent(body: JsonObject, billing?: Billing, operation: Operation = 'chat', model: ServedModel = priced) {
  const upstream: UpstreamDescription = {
    id: 'provider',
    route: 'cloud',
    dialects: ['openai'],
    operations: ['chat'],
    ready: true,
    sentence: '',
    models: [model],
    defaultModel: null,
    slots: 1,
    ...(billing === undefined ? {} : { billing }),
  };
  return atKnownPrice(body, operation, { upstream, model });
}

describe('atKnownPrice', () => {
  it('adds nothing for a provider with one bill for all', () => {
    expect(sent(asked)).toBe(asked);
  });

  describe('by host', () => {
    const host = (provider?: JsonObject | null) =>
      sent({ ...asked, ...(provider === undefined ? {} : { provider }) }, 'by-host')['provider'];

    it('asks none that is dearer than the price, also where the caller says nothing of hosts', () => {
      const bound = { max_price: { prompt: 0.25, completion: 0.4 } };
      expect(sent(asked, 'by-host')).toEqual({ ...asked, provider: bound });
      expect(host(null)).toEqual(bound);
    });

    it('keeps what the caller rules out, and names hosts within the price only', () => {
      const wish = { only: ['dear'], data_collection: 'deny' };
      expect(host(wish)).toEqual({ ...wish, max_price: { prompt: 0.25, completion: 0.4 } });
    });

    it.each([
      ['lower ones', { prompt: 0.1, completion: 0.2 }, { prompt: 0.1, completion: 0.2 }],
      ['higher ones', { prompt: 9, completion: 9 }, { prompt: 0.25, completion: 0.4 }],
      ['one of two', { completion: 0.1 }, { prompt: 0.25, completion: 0.1 }],
      ['texts', { prompt: '0.1', completion: '9' }, { prompt: 0.1, completion: 0.4 }],
      ['no numbers', { prompt: '', completion: null }, { prompt: 0.25, completion: 0.4 }],
      ['others beside', { image: 0.01, request: 0 }, { image: 0.01, request: 0, prompt: 0.25, completion: 0.4 }],
      ['none', 'free', { prompt: 0.25, completion: 0.4 }],
    ])('takes the smaller of the bounds of caller and price: %s', (_name, theirs, expected) => {
      expect(host({ max_price: theirs })).toEqual({ max_price: expected });
    });

    it('bounds nothing but the prompt of vectors, and nothing at all of what is free', () => {
      expect(sent(asked, 'by-host', 'embedding')).toEqual({ ...asked, provider: { max_price: { prompt: 0.25 } } });
      expect(sent(asked, 'by-host', 'chat', free)).toBe(asked);
    });
  });

  describe('by account', () => {
    it.each([undefined, null, 'auto', 'priority', 'default'])('asks for the usual tier in the place of %j', (tier) => {
      const body = tier === undefined ? asked : { ...asked, service_tier: tier };
      expect(sent(body, 'by-account')).toEqual({ ...asked, service_tier: 'default' });
    });

    it('keeps the one that costs less, and says nothing of tiers for vectors, which have none', () => {
      const flex = { ...asked, service_tier: 'flex' };
      expect(sent(flex, 'by-account')).toEqual(flex);
      expect(sent(asked, 'by-account', 'embedding')).toBe(asked);
    });
  });
});
