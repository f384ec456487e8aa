import { describe, expect, it } from 'vitest';
import { EquivalentTable } from '../../../../electron/agent/cloud/equivalents/equivalent-table.ts';
import type { KnownPrice } from '../../../../electron/agent/cloud/provider-port.ts';
import { purposeModels } from '../../../../electron/contract/routing.ts';
import { aTrace } from '../../../fixtures/example-trace.ts';
import { cloudSettings } from '../cloud-settings.ts';

function priced(inputUsd: number, cachedInputUsd: number | null = null): KnownPrice {
  const price = { inputUsd, outputUsd: inputUsd * 5, cachedInputUsd };
  return { price, charactersUsd: null, source: null, date: null };
}

const prices = new Map([
  ['anthropic/claude-opus-5-5', priced(4, 0.2)],
  ['openai/gpt-6.1-sol', priced(2, 0.1)],
  ['openai/gpt-6.1-terra', priced(1, 0.05)],
  ['openai/text-embedding-3-small', priced(0.02)],
  ['gemini/gemini-3.8-flash', priced(0.75)],
  ['xai/grok-4.7', priced(2)],
]);

function table(equivalents: Record<string, string[]> = {}): EquivalentTable {
  const settings = cloudSettings({ equivalents });
  const of = (provider: string, model: string) => prices.get(`${provider}/${model}`) ?? null;
  return new EquivalentTable({ settings: () => settings }, { prices: { of } });
}

describe('EquivalentTable', () => {
  it('sends the virtual models to the best, and each purpose to the provider that is best at it', () => {
    expect(table().of('ranch/quality').slice(0, 2)).toEqual(['anthropic/claude-opus-5-5', 'openai/gpt-6.1-sol']);
    const first = purposeModels.map((name) => table().of(name)[0]?.split('/')[0]);
    expect(first).toEqual(['gemini', 'xai', 'openai', 'anthropic']);
  });

  it('leaves out what has no price', () => {
    expect(table({ 'ranch/auto': ['openai/gpt-99', 'openai/gpt-6.1-sol'] }).of('ranch/auto')).toEqual([
      'openai/gpt-6.1-sol',
    ]);
  });

  it('has nothing for models of this node without an entry of their own, nor for odd names', () => {
    for (const name of ['llama3', 'ranch/local', 'ranch/routine', '*', '*embedding', '__proto__', 'constructor', '']) {
      expect(table({ '*': ['openai/gpt-6.1-terra'] }).of(name), name).toEqual([]);
    }
    expect(table({ llama3: ['openai/gpt-6.1-terra'] }).of('llama3')).toEqual(['openai/gpt-6.1-terra']);
    expect(table({ 'ranch/auto': [] }).of('ranch/auto')).toEqual([]);
  });

  it('tells all entries that hold, the operator’s before the defaults', () => {
    const entries = table({ 'ranch/auto': ['a/b'], mine: ['c/d'] }).table();
    expect(entries).toMatchObject({ 'ranch/auto': ['a/b'], mine: ['c/d'], '*': ['openai/gpt-6.1-terra'] });
  });

  it('reckons what local tokens would have cost at the cheapest, cached ones at the price of cached ones', () => {
    const trace = aTrace({
      requestedModel: 'ranch/auto',
      promptTokens: 1_000,
      cachedTokens: 900,
      completionTokens: 10,
    });
    // 100 × 2 + 900 × 0.1 + 10 × 10 dollars for a million, at gpt-6.1-sol.
    expect(table().cheapest(trace)).toBe(390_000);
    const named = { ...trace, requestedModel: 'falcon3' };
    expect(table().cheapest(named)).toBe((100 + 45 + 50) * 1_000);
    const own = table({ 'falcon3-10b-instruct': ['anthropic/claude-opus-5-5'] });
    expect(own.cheapest(named)).toBe((400 + 180 + 200) * 1_000);
  });

  it('takes an embedding model for embeddings, and nothing for speech', () => {
    const trace = aTrace({ operation: 'embedding', promptTokens: 1_000, cachedTokens: 0, completionTokens: 0 });
    expect(table().cheapest(trace)).toBe(20_000);
    expect(table().cheapest({ ...trace, operation: 'speech' })).toBeNull();
  });

  it.each([
    ['what the cloud answered', { route: 'cloud' }],
    ['what nobody answered', { route: 'none' }],
    ['what was billed on the way', { costUsd: 0.01 }],
    ['what told no tokens', { promptTokens: null, completionTokens: null }],
  ] as const)('kept nothing local with %s', (_, change) => {
    expect(table().cheapest(aTrace(change))).toBeNull();
  });

  it('tells nothing where nothing that stands in has a price', () => {
    expect(table({ '*': ['a/b'] }).cheapest(aTrace({ requestedModel: 'falcon3' }))).toBeNull();
  });
});
