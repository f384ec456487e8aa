import { describe, expect, it } from 'vitest';
import { cloudSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import type { ProviderKey } from '../../../../electron/agent/cloud/provider-port.ts';
import { ProviderSpeech, type ProviderSpeechDeps } from '../../../../electron/agent/cloud/speech/provider-speech.ts';
import { speakingProvider } from '../../../../electron/agent/cloud/speech/speech-address.ts';

const price = { inputUsd: 0, outputUsd: 0, cachedInputUsd: null };
const key: ProviderKey = { kind: 'key', value: 'sk-test-0123456789' };

function speech(settings: object = {}, deps: Partial<ProviderSpeechDeps> & { key?: ProviderKey } = {}): ProviderSpeech {
  const parsed = cloudSettingsSchema.parse(settings);
  return new ProviderSpeech(
    { settings: () => parsed },
    {
      keys: { changed: new Announcer<string>(), read: () => Promise.resolve(deps.key ?? key) },
      prices: {
        of: (_provider, model) =>
          model.startsWith('tts') ? { price, charactersUsd: 15, source: 'a page', date: '2026-11-01' } : null,
      },
      windows: { closed: () => null },
      isOwn: () => false,
      clock: new ManualClock(),
      ...deps,
    },
  );
}

describe('offer', () => {
  it('tells the price of a model that speaks', async () => {
    expect(await speech().offer('openai', 'tts-1')).toEqual({ kind: 'offered', charactersUsd: 15, sound: null });
  });

  it('tells by which price sound is billed, where characters are its average only', async () => {
    const bySound = { inputUsd: 0.6, outputUsd: 12, cachedInputUsd: null };
    const prices = { of: () => ({ price: bySound, charactersUsd: 16, source: null, date: null }) };
    const offer = await speech({}, { prices }).offer('openai', 'gpt-4o-mini-tts');
    expect(offer).toEqual({ kind: 'offered', charactersUsd: 16, sound: { textUsd: 0.6, soundUsd: 12 } });
  });

  it('knows no model without a price for characters', async () => {
    expect(await speech().offer('openai', 'gpt-5')).toMatchObject({ kind: 'unknown' });
  });

  it.each([
    ['nobody', {}],
    ['anthropic', {}],
    ['gemini', {}],
    ['mine', { providers: { mine: { kind: 'anthropic-compatible', url: 'https://example.com' } } }],
    ['mine', { providers: { mine: { kind: 'openai-compatible' } } }],
  ])('%s has no speech', async (provider, settings) => {
    expect(await speech(settings).offer(provider, 'tts-1')).toMatchObject({ kind: 'unknown' });
  });

  it('a provider that is switched off is told so', async () => {
    const off = speech({ providers: { openai: { enabled: false } } });
    expect(await off.offer('openai', 'tts-1')).toMatchObject({ kind: 'unready', retryAtMs: null });
  });

  it('F35 says what to do about a key that is missing or locked', async () => {
    const missing = await speech({}, { key: { kind: 'missing' } }).offer('openai', 'tts-1');
    expect(missing).toMatchObject({
      kind: 'unready',
      sentence: expect.stringContaining('secrets set openai') as string,
    });
    const locked = await speech({}, { key: { kind: 'locked', sentence: 'Unlock it.' } }).offer('openai', 'tts-1');
    expect(locked).toEqual({ kind: 'unready', sentence: 'Unlock it.', retryAtMs: null });
  });

  it('outside of its time windows it is not offered, and tells when it is again', async () => {
    const windows = { closed: () => ({ sentence: 'It opens at 20 past.', opensAtMs: 7 }) };
    const answer = await speech({}, { windows }).offer('openai', 'tts-1');
    expect(answer).toEqual({ kind: 'unready', sentence: 'It opens at 20 past.', retryAtMs: 7 });
  });

  it('B65 never asks this very node', async () => {
    const settings = { providers: { mine: { url: 'http://127.0.0.1:8080' } } };
    const answer = await speech(settings, { isOwn: (_host, port) => port === 8080 }).offer('mine', 'tts-1');
    expect(answer).toMatchObject({ kind: 'unready', sentence: expect.stringContaining('this very node') as string });
  });
});

describe('where an order goes', () => {
  it.each([
    ['openai', {}, 'api.openai.com', 443, ''],
    ['openai', { openai: { url: 'https://eu.example.com/openai/v1/' } }, 'eu.example.com', 443, '/openai'],
    ['mine', { mine: { url: 'http://127.0.0.1:8880' } }, '127.0.0.1', 8880, ''],
    ['mine', { mine: { url: 'http://[::1]:8880/v1' } }, '::1', 8880, ''],
  ])('%s', (id, providers, host, port, basePath) => {
    const found = speakingProvider(id, cloudSettingsSchema.parse({ providers }));
    expect(found).toMatchObject({ kind: 'speaks', address: { host, port, basePath } });
  });

  it('B64 settings take no address in plain text beyond this machine', () => {
    const with_ = (url: string): boolean => cloudSettingsSchema.safeParse({ providers: { mine: { url } } }).success;
    expect(with_('http://example.com')).toBe(false);
    expect(with_('https://me:secret@example.com')).toBe(false);
    expect(with_('file:///etc/passwd')).toBe(false);
    expect(with_('https://example.com')).toBe(true);
  });
});
