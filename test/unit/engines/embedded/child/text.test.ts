import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopFilter } from '../../../../../electron/agent/engines/embedded/child/stop-filter.ts';
import { TextStream } from '../../../../../electron/agent/engines/embedded/child/text-stream.ts';

/** What comes out of a filter that is fed these pieces, and the stop string found. */
function filtered(stops: readonly string[], pieces: readonly string[]): { text: string; stop: string | null } {
  const filter = new StopFilter(stops);
  let text = '';
  for (const piece of pieces) {
    const step = filter.push(piece);
    text += step.text;
    if (step.stop !== null) return { text, stop: step.stop };
  }
  return { text: text + filter.rest(), stop: null };
}

describe('StopFilter', () => {
  it('ends the text before a stop string that is cut over pieces', () => {
    expect(filtered(['END'], ['a', 'E', 'N', 'D', 'b'])).toEqual({ text: 'a', stop: 'END' });
  });

  it('lets go of what only began like a stop string', () => {
    expect(filtered(['END'], ['a E', 'N', 'X'])).toEqual({ text: 'a ENX', stop: null });
    expect(filtered(['END'], ['a EN'])).toEqual({ text: 'a EN', stop: null });
  });

  it('holds back no more than could become a stop string', () => {
    const filter = new StopFilter(['\nUser:']);
    expect(filter.push('hello').text).toBe('hello');
    expect(filter.push(' you\nUs').text).toBe(' you');
    expect(filter.push('ual').text).toBe('\nUsual');
  });

  it('however the text is cut: what comes out is the text up to the first stop string', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(stops, fc.array(letters, { maxLength: 8 }), (wanted, pieces) => {
        const whole = pieces.join('');
        const { text, stop } = filtered(wanted, pieces);
        if (stop === null) {
          expect(text).toBe(whole);
          for (const candidate of wanted) expect(whole).not.toContain(candidate);
        } else {
          expect(whole.startsWith(text + stop)).toBe(true);
          for (const candidate of wanted) expect(text).not.toContain(candidate);
        }
      }),
    );
  });
});

describe('TextStream', () => {
  /** Tokens are single bytes here. */
  const bytes = (text: string): number[] => [...Buffer.from(text)];
  const decode = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8');

  it('gives whole characters only', () => {
    const stream = new TextStream<number>(decode);
    const pieces = bytes('Zwölf 🐎!').map((byte) => stream.push(byte));
    expect(pieces.filter((piece) => piece !== '')).toEqual(['Z', 'w', 'ö', 'l', 'f', ' ', '🐎', '!']);
    expect(stream.rest()).toBe('');
  });

  it('does not wait for ever for the rest of a broken character', () => {
    const stream = new TextStream<number>(decode);
    expect([0xff, 0xff, 0xff, 0xff].map((byte) => stream.push(byte)).join('')).not.toBe('');
    expect(stream.push(0xf0)).toBe('');
    expect(stream.rest()).toBe('\u{FFFD}');
  });

  it('hands over the tokens before, for tokenizers whose spaces depend on them', () => {
    const seen: number[][] = [];
    const stream = new TextStream<number>(
      (tokens, before) => {
        seen.push([...before]);
        return decode(tokens);
      },
      [1, 2, 3, 4, 5],
    );
    stream.push(65);
    stream.push(66);
    expect(seen).toEqual([
      [2, 3, 4, 5],
      [3, 4, 5, 65],
    ]);
  });
});
