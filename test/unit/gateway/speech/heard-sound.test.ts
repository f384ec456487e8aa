import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeardSound } from '../../../../electron/agent/gateway/speech/heard-sound.ts';

const delta = `data: ${JSON.stringify({ type: 'speech.audio.delta', audio: 'A'.repeat(20_000) })}\n\n`;
const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 };
const done = `data: ${JSON.stringify({ type: 'speech.audio.done', usage })}\n\n`;

function events(...pieces: readonly string[]): HeardSound {
  const heard = new HeardSound({ format: 'mp3', inEvents: true });
  for (const piece of pieces) heard.take(Buffer.from(piece));
  return heard;
}

describe('HeardSound', () => {
  it.each([
    ['pcm', 48_000 * 60],
    ['wav', 48_000 * 60],
    ['mp3', 16_000 * 60],
  ])('knows how long a minute of %s was', (format, bytes) => {
    const heard = new HeardSound({ format, inEvents: false });
    heard.take(Buffer.alloc(bytes / 2));
    heard.take(Buffer.alloc(bytes / 2));
    expect([heard.tokens, heard.told]).toEqual([1_250, null]);
  });

  it.each(['opus', 'aac', 'flac'])('cannot tell the length of %s, whose rate follows the sound', (format) => {
    const heard = new HeardSound({ format, inEvents: false });
    heard.take(Buffer.alloc(1_000_000));
    expect(heard.tokens).toBe(0);
  });

  it('finds the provider’s count at the end of events, however these are cut', () => {
    const told = { promptTokens: 14, completionTokens: 101, cachedTokens: null };
    expect(events(delta, delta, done)).toMatchObject({ told, tokens: 0 });
    expect(events(`${delta}${done}data: [DONE]\n\n`).told).toEqual(told);
    const whole = Buffer.from(delta + done);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const heard = new HeardSound({ format: 'mp3', inEvents: true });
        for (let index = 1; index < at.length; index += 1) heard.take(whole.subarray(at[index - 1], at[index]));
        expect(heard.told).toEqual(told);
      }),
    );
  });

  it.each([
    ['no end', delta],
    ['an end without a count', 'data: {"type":"speech.audio.done"}\n\n'],
    ['zeros', 'data: {"type":"speech.audio.done","usage":{"input_tokens":0,"output_tokens":0}}\n\n'],
    ['half an end', done.slice(0, -20)],
    ['counts that are none', 'data: {"type":"speech.audio.done","usage":{"input_tokens":"1","output_tokens":-1}}\n\n'],
    [
      'another event that names it',
      'data: {"type":"error","usage":{"input_tokens":1,"output_tokens":1},"x":"speech.audio.done"}\n\n',
    ],
  ])('takes no count from %s', (_, text) => {
    expect(events(text).told).toBeNull();
  });
});
