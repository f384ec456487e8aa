import { describe, expect, it } from 'vitest';
import { policySchema } from '../../../../electron/contract/keys.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { resolveName, type NameSettings } from '../../../../electron/agent/gateway/names/resolve-name.ts';
import { planSpeech } from '../../../../electron/agent/gateway/speech/plan-speech.ts';
import { readSpeechQuery } from '../../../../electron/agent/gateway/speech/speech-query.ts';
import type { SpeechOrder } from '../../../../electron/agent/inference/speech.ts';

const defaults = { model: 'openai/gpt-4o-mini-tts', voice: 'alloy', format: 'mp3' };
const own: NameSettings = {
  cowboy: { model: 'ranch/auto', systemMode: 'before', voice: 'onyx' },
  clerk: { model: 'ranch/local', systemMode: 'before' },
  reader: 'openai/tts-1-hd',
  boss: 'cowboy',
};

function plan(fields: object, names = own): SpeechOrder {
  const query = readSpeechQuery(Buffer.from(JSON.stringify({ input: 'Hi', ...fields })));
  const requested = query.model === '' ? 'ranch/speech' : query.model;
  const policy = policySchema.parse({});
  const voice = typeof query.voice === 'string' ? query.voice : null;
  const resolved = resolveName({ requested, bodyPriority: null, headers: {}, policy, names, voice });
  return planSpeech({ trace: 't', query, requested, resolved, names, defaults });
}

describe('planSpeech', () => {
  it.each([
    ['no model', {}, 'openai', 'gpt-4o-mini-tts'],
    ['ranch/speech', { model: 'ranch/speech' }, 'openai', 'gpt-4o-mini-tts'],
    ['a virtual model', { model: 'ranch/quality' }, 'openai', 'gpt-4o-mini-tts'],
    ['a persona', { model: 'cowboy' }, 'openai', 'gpt-4o-mini-tts'],
    ['a persona by its long name', { model: 'cowboy:latest' }, 'openai', 'gpt-4o-mini-tts'],
    ['a model with a tag', { model: 'local/kokoro:latest' }, 'local', 'kokoro:latest'],
    ['a model of a provider', { model: 'mine/voices/large' }, 'mine', 'voices/large'],
    ['a model at a provider', { model: 'kokoro@mine' }, 'mine', 'kokoro'],
    ['a model alone, as programs made for OpenAI send it', { model: 'tts-1' }, 'openai', 'tts-1'],
    ['another name for a model', { model: 'reader' }, 'openai', 'tts-1-hd'],
    ['a model beside a persona as the voice', { model: 'openai/tts-1', voice: 'cowboy' }, 'openai', 'tts-1'],
  ])('%s leads to a model of a provider', (_what, fields, provider, model) => {
    expect(plan(fields)).toMatchObject({ provider, model });
  });

  it.each([
    ['nobody names one', {}, 'alloy'],
    ['the caller names one', { voice: 'nova' }, 'nova'],
    ['the persona is the model', { model: 'cowboy' }, 'onyx'],
    ['another name stands for the persona', { model: 'boss' }, 'onyx'],
    ['the persona is the voice', { voice: 'cowboy', model: 'openai/tts-1' }, 'onyx'],
    ['another name for the persona is the voice', { voice: 'boss' }, 'onyx'],
    ['another name for a model is the voice', { voice: 'reader' }, 'reader'],
    ['the persona has none of its own', { model: 'clerk' }, 'alloy'],
    ['the persona that is named as the voice has none', { voice: 'clerk' }, 'alloy'],
    ['the caller names one beside the persona', { model: 'cowboy', voice: 'nova' }, 'nova'],
  ])('the voice, where %s', (_what, fields, voice) => {
    expect(plan(fields).voice).toBe(voice);
  });

  it('a persona of the operator’s own in the place of ranch/speech is one where nothing is named', () => {
    const names: NameSettings = { 'ranch/speech': { model: 'gemma', systemMode: 'before', voice: 'fable' } };
    expect(plan({}, names)).toMatchObject({ provider: 'openai', model: 'gpt-4o-mini-tts', voice: 'fable' });
  });

  it('takes the format of the settings where none is named, and leaves the rest open', () => {
    expect(plan({})).toMatchObject({ format: 'mp3', speed: null, instructions: null, streamFormat: null });
    expect(plan({ response_format: 'wav', voice: { id: 'v1' } })).toMatchObject({ format: 'wav', voice: { id: 'v1' } });
  });

  it('refuses a name that cannot be a provider’s', () => {
    expect(() => plan({ model: 'No Such/thing' })).toThrow(AppError);
  });
});
