import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { readSpeechQuery, type SpeechQuery } from '../../../../electron/agent/gateway/speech/speech-query.ts';

function read(fields: object): SpeechQuery {
  return readSpeechQuery(Buffer.from(JSON.stringify(fields)));
}

function refusal(fields: object): AppError {
  try {
    read(fields);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('readSpeechQuery', () => {
  it('needs no more than a text', () => {
    expect(read({ input: 'Hello' })).toEqual({
      model: '',
      input: 'Hello',
      characters: 5,
      voice: null,
      instructions: null,
      format: null,
      speed: null,
      streamFormat: null,
      ignored: [],
    });
  });

  it('takes all of what OpenAI has', () => {
    const query = read({
      model: 'openai/tts-1',
      input: 'Hi',
      voice: { id: 'voice_1' },
      instructions: 'Whisper.',
      response_format: 'opus',
      speed: 1.5,
      stream_format: 'sse',
    });
    expect(query).toMatchObject({ model: 'openai/tts-1', voice: { id: 'voice_1' }, instructions: 'Whisper.' });
    expect(query).toMatchObject({ format: 'opus', speed: 1.5, streamFormat: 'sse' });
  });

  it('names what it drops, and takes null for nothing said', () => {
    const query = read({ input: 'Hi', speed: null, voice: null, pitch: 2 });
    expect(query).toMatchObject({ speed: null, voice: null, ignored: ['pitch'] });
  });

  it.each([
    ['no input', { model: 'openai/tts-1' }, 'input'],
    ['an empty input', { input: ' \n' }, 'input'],
    ['an input that is no text', { input: ['Hi'] }, 'input'],
    ['4,097 characters', { input: 'a'.repeat(4_097) }, 'input'],
    ['long instructions', { input: 'Hi', instructions: 'a'.repeat(4_097) }, 'instructions'],
    ['a format that nobody has', { input: 'Hi', response_format: 'midi' }, 'response_format'],
    ['a speed below', { input: 'Hi', speed: 0.2 }, 'speed'],
    ['a speed above', { input: 'Hi', speed: 4.1 }, 'speed'],
    ['a voice that is a number', { input: 'Hi', voice: 3 }, 'voice'],
    ['a voice without a name', { input: 'Hi', voice: {} }, 'voice'],
    ['a way of streaming that nobody has', { input: 'Hi', stream_format: 'mp4' }, 'stream_format'],
    ['a model that is no text', { input: 'Hi', model: 7 }, 'model'],
  ])('refuses %s and names the field', (_what, fields, param) => {
    const error = refusal(fields);
    expect(error.code).toBe('invalid_request');
    expect(error.context['param']).toBe(param);
    expect(error.message).toMatch(/^The field .+\.$/);
  });

  it('says how long a text is that is too long', () => {
    expect(refusal({ input: 'a'.repeat(5_000) }).message).toMatch(/has 5,000 characters, and 4,096 are the most/);
  });

  it('counts whole characters, as those who bill do', () => {
    expect(read({ input: 'a😀é' }).characters).toBe(3);
    expect(read({ input: '😀'.repeat(4_096) }).characters).toBe(4_096);
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' }), (text) => {
        fc.pre(text.trim() !== '');
        expect(read({ input: text }).characters).toBe(Array.from(text).length);
      }),
    );
  });
});
