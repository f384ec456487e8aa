import { describe, expect, it } from 'vitest';
import { speechBill } from '../../../../electron/agent/gateway/speech/speech-bill.ts';

const sound = { textUsd: 0.6, soundUsd: 12 };

function text(input: string, more: { instructions?: string; speed?: number } = {}) {
  const { instructions = null, speed = null } = more;
  return { input, characters: Array.from(input).length, instructions, speed };
}

const soundOf = (input: string, more = {}) => speechBill(text(input, more), { charactersUsd: 16, sound });

describe('speechBill', () => {
  it('knows to the character what a text costs where characters are billed', () => {
    const bill = speechBill(text('a'.repeat(4_096), { instructions: 'Whisper.', speed: 0.25 }), {
      charactersUsd: 30,
      sound: null,
    });
    expect(bill.kind).toBe('characters');
    expect(bill.worstUsd).toBeCloseTo(0.12288, 10);
    expect(bill).toMatchObject({ worstTokens: 0, most: { characters: 4_096 }, expected: { characters: 4_096 } });
  });

  it('sets aside some times the average where sound is billed, for a slow voice is billed longer', () => {
    const bill = soundOf('She sells sea shells by the sea shore. '.repeat(100));
    const averageUsd = (3_900 * 16) / 1e6;
    expect(bill.kind).toBe('sound');
    expect(bill.worstUsd / averageUsd).toBeGreaterThan(2.5);
    expect(bill.worstUsd / averageUsd).toBeLessThan(5);
    expect(bill.worstTokens).toBe(bill.most.promptTokens + bill.most.answerTokens);
    expect(bill.most.characters).toBeUndefined();
    expect(bill.expected.completionTokens).toBe(Math.ceil((3_900 * (16 - 0.6)) / 12));
  });

  it('covers what was measured: six tokens of sound for each of a Chinese text, and digits said one by one', () => {
    // 1.2 characters a token, as in the texts of that measurement.
    expect(soundOf('\u8bf4'.repeat(120)).most.answerTokens).toBeGreaterThan(100 * 6.33);
    // 0.4 seconds a digit at 21 tokens a second.
    expect(soundOf('7'.repeat(1_000)).most.answerTokens).toBeGreaterThan(8_400);
  });

  it('reckons with instructions, which are billed and may ask for slowness, and with a speed below one', () => {
    const plain = soundOf('a'.repeat(1_000));
    const drawled = soundOf('a'.repeat(1_000), { instructions: 'Very slowly.' });
    expect(drawled.most.promptTokens).toBe(plain.most.promptTokens + 12);
    expect(drawled.most.answerTokens).toBe(2 * plain.most.answerTokens);
    expect(drawled.expected.promptTokens).toBe(plain.expected.promptTokens + 12);
    const slow = soundOf('a'.repeat(1_000), { speed: 0.25 });
    expect(slow.most.answerTokens).toBe(4 * plain.most.answerTokens);
    expect(slow.expected.completionTokens).toBe(Math.ceil((4_000 * 15.4) / 12));
    expect(soundOf('a'.repeat(1_000), { speed: 4 })).toEqual(plain);
  });

  it('has room for the silence around a word', () => {
    // A second.
    expect(soundOf('Hi').most.answerTokens).toBeGreaterThan(21);
  });
});
